// Arguments that several commands take.

import { type Command, InvalidArgumentError } from 'commander'
import { systemPorts } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import { openStore } from '../host/open-store.ts'
import type { EventStore } from '../ports/event-store.ts'

/** Adds the argument of a store file. */
export const takesFile = (command: Command): Command =>
  command.argument('<store>', 'path of a store file, such as bank.db or file:bank.db')

/** Adds the argument of any store that keeps something. */
export const takesStore = (command: Command): Command =>
  command.argument(
    '<store>',
    'path of a store file, such as bank.db, or an address such as esdb://localhost:2113',
  )

/** The path of a store file. */
export const pathOf = (store: string): string => store.replace(/^file:/, '')

/** The path of a store that must be a file. Throws `InvalidOption` for any other address. */
export function fileOf(store: string, command: string): string {
  if (!store.includes('://')) return pathOf(store)
  const fix = 'give the path of a file; EventStoreDB has tools of its own'
  throw new ReenactError('InvalidOption', `reenact ${command} is for store files: ${fix}.`, {
    option: 'store',
    fix,
  })
}

/** Opens a store beside its writers: looking never changes it. */
export const openForReading = (store: string): Promise<EventStore> =>
  openStore(store.includes('://') ? store : `file:${pathOf(store)}?mode=ro`, systemPorts)

/** A whole number of at least `min`. */
export const wholeNumber =
  (min: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value
    throw new InvalidArgumentError(`Give a whole number from ${min}.`)
  }
