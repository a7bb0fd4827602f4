// Where a store may lie: a file system whose locks and syncs can be trusted.

import { existsSync, lstatSync, readlinkSync, realpathSync, statfsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, ReenactError } from '../../core/errors.ts'

/** Magic numbers of `statfs`, from Linux's `magic.h`. */
const kinds: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x794c7630, 'overlayfs'],
])

/** As many links in a row as Linux follows. */
const linksMax = 40

let warned = false

/** The one path that stands for the file, whatever spelling or symlink led to it. */
export function realPathOf(file: string): string {
  try {
    let path = file
    for (let links = 0; links <= linksMax; links += 1) {
      if (existsSync(path)) return realpathSync(path)
      path = join(realpathSync(dirname(path)), basename(path))
      if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return path
      // A link to a file that is yet to be made: the lock must be that file's, not the link's.
      path = resolve(dirname(path), readlinkSync(path))
    }
    throw new Error(`more than ${linksMax} symbolic links in a row`)
  } catch (error) {
    throw new ReenactError(
      'StoreUnreadable',
      `'${file}' cannot be opened: ${messageOf(error)}. Create its directory first, and mend links that lead nowhere.`,
      { file, reason: 'missing' },
      error,
    )
  }
}

/** Refuses network file systems and warns once of container layers. `type` is for tests. */
export function checkFileSystem(file: string, type = statfsSync(dirname(file)).type): void {
  const kind = kinds.get(type)
  if (kind === undefined) return
  if (kind !== 'overlayfs') {
    throw new ReenactError(
      'UnsupportedFileSystem',
      `'${file}' lies on ${kind}, whose locks cannot be trusted. Put the store on a local disk.`,
      { file, kind },
    )
  }
  if (warned) return
  warned = true
  process.emitWarning(
    `'${file}' lies in a container's own layer and goes with the container. Put the store on a volume.`,
    { type: 'ReenactWarning', code: 'REENACT_OVERLAYFS' },
  )
}
