// Sizes that writers and stores agree on.

/** Largest event: its type, data and metadata together, in bytes of UTF-8. 1 MiB. */
export const eventBytesMax = 1024 * 1024
/** Largest append: all its events together. 3 MiB. */
export const batchBytesMax = 3 * 1024 * 1024
/** Longest delay a timer of Node can wait, ms; a longer one would fire at once. */
export const timerMsMax = 2 ** 31 - 1
