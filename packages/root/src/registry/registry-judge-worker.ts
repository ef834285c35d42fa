import { parentPort, workerData } from "node:worker_threads";
import { judgeFolder } from "@adaos/registry-tools";
import type { JudgeAnswer, JudgeOrder } from "./registry-judge.ts";

const { dir, inForce } = workerData as JudgeOrder;
const answer = (message: JudgeAnswer): void => parentPort?.postMessage(message);
answer({ judged: await judgeFolder(dir, inForce, (read) => answer({ read })) });
