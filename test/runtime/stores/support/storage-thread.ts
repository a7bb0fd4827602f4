// The storage thread runs built JavaScript, and here it gets everything from the first commit on.

import type { ThreadOptions } from '../../../../runtime/stores/sqlite/storage-thread.ts'

const built = (path: string): URL => new URL(`../../../../dist/${path}`, import.meta.url)

/** Every commit goes to the storage thread. */
export const everyCommit: ThreadOptions = {
  entry: built('runtime/stores/sqlite/storage-thread-entry.js'),
  operationsMin: 1,
  groupsBefore: 0,
}

/** The same, and the thread dies with the second transaction in hand. */
export const dying = (when: 'before' | 'after'): ThreadOptions => ({
  ...everyCommit,
  entry: built(`test/runtime/stores/support/dying-${when}-entry.js`),
})
