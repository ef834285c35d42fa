import type { ContenderEntry } from "../contender.ts";
import { bullMq } from "./bullmq.ts";
import { nativeSources } from "./install/native-sources.ts";
import { moleculer } from "./moleculer.ts";
import { nestJs } from "./nestjs.ts";
import { rabbitMq, rabbitMqQuorum } from "./rabbitmq/rabbitmq.ts";
import { redisStreams } from "./redis-streams.ts";

/** Alternatives in the field, each with its best documented settings and the durability of the run. */
export const PEERS: Readonly<Record<string, ContenderEntry>> = {
  "native-sources": nativeSources,
  moleculer,
  nestjs: nestJs,
  bullmq: bullMq,
  rabbitmq: rabbitMq,
  "rabbitmq-quorum": rabbitMqQuorum,
  "redis-streams": redisStreams,
};
