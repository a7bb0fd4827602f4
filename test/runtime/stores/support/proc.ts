// What Linux tells of this process. Tests that ask are skipped elsewhere: no other system counts these in a way to be read.

import { readdirSync, readlinkSync } from 'node:fs'
import type { Context } from 'mocha'

/** Skips a test where there is no `/proc`, and says so. */
export function needsProc(test: Context): void {
  if (process.platform === 'linux') return
  console.log('      skipped: this system has no /proc')
  test.skip()
}

/** Threads of this process. */
export const threadCount = (): number => readdirSync('/proc/self/task').length

/** How many of this process's descriptors lead to a file of the store. */
export const descriptors = (file: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(file)).length

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
