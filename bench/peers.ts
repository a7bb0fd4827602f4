// Installs the peers into a folder outside of this package, together with the files that use them.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The versions Reenact is compared with. XState and SQLite are those that Reenact itself runs on. */
function packages(): Readonly<Record<string, string>> {
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version
  return {
    '@event-driven-io/emmett': '0.42.0',
    '@event-driven-io/emmett-sqlite': '0.42.4',
    // What Emmett wants beside it.
    'async-retry': '1.3.3',
    sqlite3: '5.1.7',
    uuid: '10.0.0',
    '@castore/core': '2.4.2',
    '@castore/event-storage-adapter-in-memory': '2.4.2',
    xstate: versionOf('xstate'),
    '@photostructure/sqlite': versionOf('@photostructure/sqlite'),
  }
}

/** Installs what is not there yet. `sqlite3` has native code that may be compiled: that takes minutes. */
export function installPeers(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const manifest = `${JSON.stringify({ private: true, type: 'module', dependencies: packages() }, null, 2)}\n`
  const done = join(folder, 'installed.json')
  if (!existsSync(done) || readFileSync(done, 'utf8') !== manifest) {
    process.stderr.write(`installing the peers into ${folder}\n`)
    writeFileSync(join(folder, 'package.json'), manifest)
    execFileSync('npm', ['install', '--legacy-peer-deps', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    writeFileSync(done, manifest)
  }
  cpSync(join(root, 'bench', 'peers'), folder, { recursive: true })
}
