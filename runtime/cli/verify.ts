// `reenact verify`: reads a whole store and says what is damaged.

import type { Command } from 'commander'
import { type LogVerification, verifyLog } from '../../actors/verify-log.ts'
import { systemPorts } from '../core/clock.ts'
import { isReenactError, type ReenactError } from '../core/errors.ts'
import type { EventStore } from '../ports/event-store.ts'
import { openSqliteStore } from '../stores/sqlite/sqlite-store.ts'
import { fileOf, takesFile } from './arguments.ts'
import { colors, count, counted, print, printable } from './output.ts'
import { startProgress } from './progress.ts'

const problemsShownMax = 20

export function define(command: Command): void {
  takesFile(command)
    .description(
      "Reads every event of a store and checks its checksum, its id and its place in the chain of its stream; then snapshots, checkpoints and the structure of the file. Others may write it meanwhile. Needs none of your code: whether today's machines replay the events is what actor.verify() checks.",
    )
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 1 something is.')
    .action(verify)
}

async function verify(storeName: string): Promise<void> {
  const path = fileOf(storeName, 'verify')
  // Without the check of the whole file, which would hide which streams are damaged.
  const store = await openSqliteStore(path, { mode: 'ro', checkBytesMax: 0 })
  let result: LogVerification
  try {
    const progress = startProgress(await lastPosition(store), 'events', systemPorts.clock)
    try {
      const { timers } = systemPorts
      result = await verifyLog({ store, timers, onProgress: progress.update })
    } finally {
      progress.stop()
    }
  } finally {
    await store.close()
  }
  const structure = await structuralProblem(path)
  const sound = result.problemCount === 0 && structure === undefined
  print(summary(storeName, result, sound))
  if (sound) return
  process.exitCode = 1
  print(damageLines(result, structure))
}

/** Where the log ends now. Reads no event: the last one may be damaged. */
async function lastPosition(store: EventStore): Promise<number> {
  for await (const { checkpoint } of store.subscribe({ after: 'end' })) return checkpoint
  return 0
}

async function structuralProblem(path: string): Promise<ReenactError | undefined> {
  try {
    const options = { mode: 'ro', checkBytesMax: Number.POSITIVE_INFINITY } as const
    await (await openSqliteStore(path, options)).close()
    return undefined
  } catch (error) {
    if (isReenactError(error, 'StoreUnreadable')) return error
    throw error
  }
}

function summary(name: string, result: LogVerification, sound: boolean): readonly string[] {
  const { events, streams, verified, unverified, stateEntries } = result
  const verdict = sound ? colors.green('sound') : colors.red('DAMAGED')
  return [
    `${name}: ${verdict}. ${counted(events, 'event')} in ${counted(streams, 'stream')} read.`,
    `  ${count(verified)} verified by checksum, id and chain`,
    ...(unverified > 0
      ? [`  ${count(unverified)} by checksum alone: their writer left no hashes`]
      : []),
    ...(stateEntries > 0
      ? [`  ${count(stateEntries)} snapshots, checkpoints and the like by checksum`]
      : []),
  ]
}

function damageLines(
  { problems, problemCount, gaveUp }: LogVerification,
  structure: ReenactError | undefined,
): readonly string[] {
  const streams = new Set(
    problems.flatMap(({ details }) => ('stream' in details ? [String(details.stream)] : [])),
  )
  const unsaid = problemCount - problemsShownMax
  const messages = problems.slice(0, problemsShownMax).map(({ message }) => message)
  if (unsaid > 0) messages.push(`… and ${counted(unsaid, 'more problem')}`)
  for (const error of [gaveUp, structure]) if (error) messages.push(error.message)
  const named = streams.size > 0 ? [...streams].join(', ') : 'none by name'
  return ['', `Damaged streams: ${named}`, ...messages.map((line) => `  ${line}`)].map(printable)
}
