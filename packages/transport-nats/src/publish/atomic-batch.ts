/** The server takes at most 1000; half of that loses nothing in speed and shortens what a refusal repeats. */
export const MAX_BATCH_MESSAGES = 500;

/**
 * The lines that make a message one of an atomic batch; the last commits it.
 * @param batchId Random: it is stored with the messages, for all who read them, and must not tell of other batches.
 */
export function batchHeaders(batchId: string, index: number, count: number): string {
  const member = `Nats-Batch-Id: ${batchId}\r\nNats-Batch-Sequence: ${index + 1}\r\n`;
  return index < count - 1 ? member : `${member}Nats-Batch-Commit: 1\r\n`;
}
