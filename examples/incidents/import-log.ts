// Imports a log: each line becomes one command, each command has one outcome, however often it is imported.

import { createHash } from 'node:crypto'
import { isReenactError, type Runtime, type SendResult } from 'reenact'
import { atItsEnd, Incident } from './incident.ts'
import { type LogLine, readLogLine } from './log-line.ts'
import { fingerprintOf, lineCharsMax, readLines, type TextLine } from './read-lines.ts'

/** What became of one line. */
export type LineOutcome =
  | { readonly kind: 'accepted'; readonly changed: boolean }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'invalid'; readonly problem: string }

/** Options of {@link importLog}. */
export interface ImportOptions {
  /** Stop after so many lines. */
  readonly limit?: number
  /** Commands on their way at once: many share a commit. Default 512. */
  readonly inFlightMax?: number
  /** Stop here, cleanly. */
  readonly signal?: AbortSignal
  /** Hears each line's outcome once it is durable, in the order of the file. */
  readonly onLine?: (line: TextLine, outcome: LineOutcome) => void
  /** Hears that lines up to this one were imported before. */
  readonly onContinue?: (lastLine: number) => void
}

/** What an import did. */
export interface ImportReport {
  /** The last line whose outcome is durable; the next import of this file goes on after it. */
  readonly lastLine: number
  readonly accepted: number
  /** Of the accepted ones, how many said only what was known. */
  readonly unchanged: number
  readonly rejected: ReadonlyMap<string, number>
  /** Handled by an earlier import that was cut off. */
  readonly duplicates: number
  readonly invalid: number
  /** Whether the end of the file was reached. */
  readonly complete: boolean
}

/** So many lines are sent again, to no effect, if the process dies. */
const linesPerCheckpoint = 4096

/** Errors that are about this one line. All others end the import; it can be continued. */
const lineErrors = new Set(['InvalidCommand', 'InvalidName', 'TooFarAhead', 'TooLarge'])

/**
 * Imports a `.jsonl` or `.jsonl.gz` file, going on where an earlier import of the same bytes stopped.
 *
 * Commands of one incident are decided in the order they are sent, so that many may be on their way at once.
 */
export async function importLog(
  runtime: Runtime,
  path: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  // 1. Where to begin. Another content is another import: line numbers of one mean nothing in the other.
  const key = `incidents-import:${await fingerprintOf(path)}`
  const before = Number((await runtime.store.state.get(key))?.value ?? 0)
  if (before > 0) options.onContinue?.(before)
  const tally = new Tally(before)
  const { inFlightMax = 512, limit = Infinity } = options
  let saved = before
  const save = async (): Promise<void> => {
    if (tally.lastLine > saved) await runtime.store.state.put(key, String(tally.lastLine))
    saved = tally.lastLine
  }

  // 2. Outcomes are taken in the order of the file: all lines up to the last one taken are durable.
  const inFlight: Promise<Settled>[] = []
  const take = async (left: number): Promise<void> => {
    while (inFlight.length > left) {
      const settled = await (inFlight.shift() as Promise<Settled>)
      if ('error' in settled) {
        // What was sent after it may be durable too, and is found to be so when it is sent again.
        await Promise.all(inFlight.splice(0))
        throw settled.error
      }
      tally.add(settled)
      if (settled.outcome) options.onLine?.(settled.line, settled.outcome)
    }
  }

  // 3. The loop. A full window stops it, and with it the reading.
  let complete = true
  try {
    for await (const line of readLines(path)) {
      if (line.number <= before) continue
      complete = !options.signal?.aborted && line.number - before <= limit
      if (!complete) break
      inFlight.push(settle(runtime, line))
      if (inFlight.length >= inFlightMax) await take(Math.floor(inFlightMax / 2))
      if (tally.lastLine - saved >= linesPerCheckpoint) await save()
    }
  } finally {
    try {
      await take(0)
    } finally {
      await save()
    }
  }
  return tally.result(complete)
}

interface Taken {
  readonly line: TextLine
  readonly outcome: LineOutcome | undefined
}

type Settled = Taken | { readonly error: unknown }

/** Sends a line. Never rejects: nobody may be waiting for it yet. */
async function settle(runtime: Runtime, line: TextLine): Promise<Settled> {
  try {
    return { line, outcome: await outcomeOf(runtime, line) }
  } catch (error) {
    return { error }
  }
}

/** `undefined` for an empty line. */
async function outcomeOf(runtime: Runtime, line: TextLine): Promise<LineOutcome | undefined> {
  if (line.tooLong) return { kind: 'invalid', problem: `longer than ${lineCharsMax} characters` }
  if (line.text.trim() === '') return undefined
  const read = readLogLine(line.text)
  if (typeof read === 'string') return { kind: 'invalid', problem: read }
  try {
    const result = await send(runtime, line, read)
    if (result.duplicate) return { kind: 'duplicate' }
    if (result.accepted) return { kind: 'accepted', changed: result.events.length > 0 }
    return { kind: 'rejected', reason: result.reason ?? atItsEnd }
  } catch (error) {
    if (!isReenactError(error) || !lineErrors.has(error.code)) throw error
    return { kind: 'invalid', problem: error.message }
  }
}

const send = (
  runtime: Runtime,
  { number, text }: TextLine,
  { incident, time, command }: LogLine,
): Promise<SendResult<typeof Incident>> =>
  runtime.actor(Incident, incident).send(command, {
    // The same line at the same place is the same command, whatever the file is called.
    commandId: `line-${number}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`,
    occurredAt: time,
    // A log merged from several desks may step back in time. What it says still happened: it is kept, with
    // its own time, and counts from the moment of the line before it.
    late: true,
  })

/** Counts outcomes. */
class Tally {
  lastLine: number
  #accepted = 0
  #unchanged = 0
  #duplicates = 0
  #invalid = 0
  readonly #rejected = new Map<string, number>()

  constructor(lastLine: number) {
    this.lastLine = lastLine
  }

  add({ line, outcome }: Taken): void {
    this.lastLine = line.number
    if (outcome?.kind === 'accepted') {
      this.#accepted += 1
      if (!outcome.changed) this.#unchanged += 1
    } else if (outcome?.kind === 'rejected') {
      this.#rejected.set(outcome.reason, (this.#rejected.get(outcome.reason) ?? 0) + 1)
    } else if (outcome?.kind === 'duplicate') this.#duplicates += 1
    else if (outcome?.kind === 'invalid') this.#invalid += 1
  }

  result(complete: boolean): ImportReport {
    return {
      lastLine: this.lastLine,
      accepted: this.#accepted,
      unchanged: this.#unchanged,
      rejected: this.#rejected,
      duplicates: this.#duplicates,
      invalid: this.#invalid,
      complete,
    }
  }
}
