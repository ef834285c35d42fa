/** The server takes at most 1000. Half of that is as fast, and fewer messages are repeated after a refusal. */
export const MAX_BATCH_MESSAGES = 500;

/**
 * The header lines that put a message into an atomic batch; the last message commits it.
 * @param batchId Random: it is stored with the messages for all their readers, and must not reveal other batches.
 */
export function batchHeaders(batchId: string, index: number, count: number): string {
  const member = `Nats-Batch-Id: ${batchId}\r\nNats-Batch-Sequence: ${index + 1}\r\n`;
  return index < count - 1 ? member : `${member}Nats-Batch-Commit: 1\r\n`;
}
