// `reenact backup`: a copy of a store that is in use, checked before it gets its name.

import { existsSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { fileOf, openForReading, pathOf, takesFile } from './arguments.ts'
import { count, print, say } from './output.ts'

export function define(command: Command): void {
  takesFile(command)
    .argument('<to>', 'path of the copy; it must not exist')
    .description(
      'Copies a store at one moment while others write it. The copy appears under its name only when every event of it was checked.',
    )
    .action(copy)
}

async function copy(storeName: string, to: string): Promise<void> {
  const target = pathOf(to)
  fileOf(storeName, 'backup')
  const store = await openForReading(storeName)
  try {
    if (!existsSync(target)) say(`Copying ${store.name} and checking the copy …`)
    await store.backup?.(target)
  } finally {
    await store.close()
  }
  print([`${target} is a complete copy of ${count(statSync(target).size)} bytes.`])
}
