export { askAccountTraffic, type Traffic } from "./account-traffic.ts";
export { resolveCacheDir } from "./cache.ts";
export {
  compileRootServer,
  leafAccount,
  type RootServerSettings,
} from "./compile.ts";
export { compileHubServer, type HubServerSettings, memberAccount } from "./compile-hub.ts";
export { type ConfBlock, type ConfValue, renderConf } from "./conf.ts";
export { ensureNatsServer, type NatsServerBinary } from "./ensure.ts";
export { exampleRootConfig } from "./example-config.ts";
export { kickLeaves } from "./kick-leaves.ts";
export { linkKeys, linkSeed } from "./link-keys.ts";
export { seedNkey } from "./nkey-text.ts";
export { type OnProgress, type ProgressEvent, renderProgress } from "./progress.ts";
export { reloadServer } from "./reload.ts";
export { ServerConfig } from "./server-config.ts";
export { serverProblem } from "./server-health.ts";
export { MINIMUM_VERSION, TESTED_VERSION } from "./version.ts";
