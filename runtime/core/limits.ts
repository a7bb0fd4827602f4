// Sizes that writers and stores agree on.

/** Largest event: its type, data and metadata together, in bytes of UTF-8. 1 MiB. */
export const eventBytesMax = 1024 * 1024
/** Largest append: all its events together. 3 MiB. */
export const batchBytesMax = 3 * 1024 * 1024
/** Longest delay a timer of Node can wait, ms; a longer one would fire at once. */
export const timerMsMax = 2 ** 31 - 1

/** The size of an event, as writers and stores count it. */
export function eventBytes(type: string, data: string, metadata: string): number {
  const units = type.length + data.length + metadata.length
  // A UTF-16 unit takes at most three bytes: most events are so small that an exact count decides nothing.
  if (units * 3 <= eventBytesMax / 512) return units
  return Buffer.byteLength(type) + Buffer.byteLength(data) + Buffer.byteLength(metadata)
}
