import type { Contender, ContenderEntry, Place } from "../contender.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer, versionsOfPeers } from "./install/npm-peers.ts";
import { natsServerVersion, startNatsServer } from "./nats-servers.ts";
import { freePorts } from "./server-process.ts";

type ClassDecorator = (of: unknown) => void;
type MethodDecorator = (of: object, name: string, descriptor: PropertyDescriptor) => void;
type ParameterDecorator = (of: object, name: string, index: number) => void;

/** The used parts of NestJS and RxJS. */
interface Microservices {
  readonly Transport: { readonly NATS: number };
  readonly ClientProxyFactory: { create(options: object): ClientProxy };
  readonly EventPattern: (subject: string) => MethodDecorator;
  readonly MessagePattern: (subject: string) => MethodDecorator;
  readonly Payload: () => ParameterDecorator;
}
interface ClientProxy {
  connect(): Promise<unknown>;
  emit(pattern: string, data: object): object;
  send(pattern: string, data: object): object;
  close(): Promise<unknown>;
}
interface Common {
  readonly Controller: () => ClassDecorator;
  readonly Module: (of: object) => ClassDecorator;
}
interface Core {
  readonly NestFactory: {
    createMicroservice(
      module: unknown,
      options: object,
    ): Promise<{ listen(): Promise<void>; close(): Promise<void> }>;
  };
}
interface Rx {
  firstValueFrom<T>(observable: object, options?: { defaultValue: undefined }): Promise<T>;
}
interface Settings {
  readonly url: string;
}
type Carries = { readonly text: string };

const contender: Contender = {
  what: "NestJS microservices on core NATS: not durable, a sent event is in no store and is lost without a receiver",
  openSender: async (place) => {
    const client = await openClient(place);
    const { firstValueFrom } = loadPeer<Rx>("rxjs");
    return {
      send: (text) => firstValueFrom(client.emit(eventOf(place), { text }), { defaultValue: undefined }),
      close: async () => void (await client.close()),
    };
  },
  openReceiver: (place, onText) => {
    const { EventPattern } = loadPeer<Microservices>("@nestjs/microservices");
    return serve(place, EventPattern(eventOf(place)), ({ text }) => onText(text));
  },
  openRequester: async (place) => {
    const client = await openClient(place);
    const { firstValueFrom } = loadPeer<Rx>("rxjs");
    return {
      request: async (text) => (await firstValueFrom<Carries>(client.send(commandOf(place), { text }))).text,
      close: async () => void (await client.close()),
    };
  },
  openResponder: (place, answer) => {
    const { MessagePattern } = loadPeer<Microservices>("@nestjs/microservices");
    return serve(place, MessagePattern(commandOf(place)), ({ text }) => ({ text: answer(text) }));
  },
};

const eventOf = ({ run }: Place): string => `event.${run}`;
const commandOf = ({ run }: Place): string => `command.${run}`;

function transportOf({ settings }: Place): object {
  const { Transport } = loadPeer<Microservices>("@nestjs/microservices");
  return { transport: Transport.NATS, options: { servers: [(settings as Settings).url] } };
}

async function openClient(place: Place): Promise<ClientProxy> {
  const client = loadPeer<Microservices>("@nestjs/microservices").ClientProxyFactory.create(
    transportOf(place),
  );
  await client.connect();
  return client;
}

/** A controller with one handler, decorated by hand: the repository compiles without decorators. */
async function serve(
  place: Place,
  pattern: MethodDecorator,
  handle: (data: Carries) => unknown,
): Promise<() => Promise<void>> {
  loadPeer("reflect-metadata");
  const { Controller, Module } = loadPeer<Common>("@nestjs/common");
  const { NestFactory } = loadPeer<Core>("@nestjs/core");
  class Handlers {
    handle(data: Carries): unknown {
      return handle(data);
    }
  }
  class Application {}
  const descriptor = Object.getOwnPropertyDescriptor(Handlers.prototype, "handle") as PropertyDescriptor;
  Controller()(Handlers);
  loadPeer<Microservices>("@nestjs/microservices").Payload()(Handlers.prototype, "handle", 0);
  pattern(Handlers.prototype, "handle", descriptor);
  Module({ controllers: [Handlers] })(Application);
  const service = await NestFactory.createMicroservice(Application, { ...transportOf(place), logger: false });
  await service.listen();
  return () => service.close();
}

export const nestJs: ContenderEntry = {
  // Not in scenarios that need storage: it resolves as soon as an event is in the client's buffer.
  scenarios: ["S1", "S2b", "S4", "S11a"],
  load: async () => contender,
  start: async (durability, dir) => {
    const [port = 0] = await freePorts(1);
    const server = await startNatsServer({ name: "nestjs", port }, durability, dir);
    return {
      settings: { url: `nats://127.0.0.1:${port}` } satisfies Settings,
      versions: {
        "nats-server": await natsServerVersion(),
        ...versionsOfPeers(["@nestjs/core", "@nestjs/microservices", "nats"]),
      },
      stop: () => server.stop(),
    };
  },
  isInstalled: areNpmPeersInstalled,
  install: installNpmPeers,
};
