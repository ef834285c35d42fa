export { BackupChain } from "./file/backup-chain.ts";
export { planRekey, type RekeyOptions, rekeyMesh } from "./rekey/rekey-mesh.ts";
export {
  planRestore,
  type RestoredMesh,
  type RestoreOptions,
  restoreBackup,
} from "./restore/restore-backup.ts";
export { type TakenBackup, type TakeOptions, type TakeProgress, takeBackup } from "./take/take-backup.ts";
