// The read-ahead thread runs built JavaScript, and here it reads ahead from the first page on.

import type { ReadAheadOptions } from '../../../../runtime/stores/sqlite/read-ahead.ts'

const built = (path: string): URL => new URL(`../../../../dist/${path}`, import.meta.url)

/** Every page after the first is read ahead, and pages are small. */
export const everyPage: ReadAheadOptions = {
  entry: built('runtime/stores/sqlite/read-ahead-entry.js'),
  pagesBefore: 0,
  countMin: 8,
  startMin: 0,
}

/** The same, and the thread dies with the second page in hand. */
export const dyingReader: ReadAheadOptions = {
  ...everyPage,
  entry: built('test/runtime/stores/support/dying-reader-entry.js'),
}
