export {
  compileRootServer,
  leafAccount,
  type RootServerSettings,
  type ServerCluster,
} from "./config/compile.ts";
export { compileHubServer, type HubServerSettings, memberAccount } from "./config/compile-hub.ts";
export { type ConfBlock, renderConf } from "./config/conf.ts";
export { exampleRootConfig } from "./config/example-config.ts";
export { linkKeys, linkSeed } from "./config/link-keys.ts";
export { seedNkey } from "./config/nkey-text.ts";
export { isSealed, sealed } from "./config/seal.ts";
export { ServerConfig } from "./config/server-config.ts";
export { storeAccount } from "./config/store-account.ts";
export {
  assertStoreKey,
  claimStore,
  keyChangeFile,
  markStore,
  newStoreKey,
  readStoreKeyId,
  storeKeyFile,
  storeKeyIdOf,
} from "./config/store-key.ts";
export { resolveCacheDir } from "./install/cache.ts";
export { ensureNatsServer } from "./install/ensure.ts";
export { withDebianPackages } from "./install/install-debian.ts";
export { locateNatsServer } from "./install/locate.ts";
export { renderProgress } from "./install/progress.ts";
export { askAccountTraffic, ClusterTraffic, type Traffic } from "./running/account-traffic.ts";
export {
  askServerFigures,
  askStreams,
  askVarz,
  lagFigures,
  type StoredMsFrom,
} from "./running/ask-figures.ts";
export { type ConsumerBacklog, consumerBacklogs, streamLeader } from "./running/consumer-backlogs.ts";
export { kickLeaves } from "./running/kick-leaves.ts";
export {
  downlinkLags,
  type StreamDetail,
  streamFigures,
  subnetFigures,
  uplinkLags,
  type Varz,
} from "./running/server-figures.ts";
export { refusesWrites, serverProblem } from "./running/server-health.ts";
