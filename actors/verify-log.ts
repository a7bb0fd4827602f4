// The integrity of a whole log, without the code of its actors: checksums, ids, chains, gaps.

import { readMetadata } from '../runtime/codec/metadata.ts'
import type { Timers } from '../runtime/core/clock.ts'
import { type ErrorCode, isReenactError, ReenactError } from '../runtime/core/errors.ts'
import type { EventStore, LogPage, RecordedEvent } from '../runtime/ports/event-store.ts'
import { hashOf, wrongHash } from './recorded.ts'
import { chainProblem } from './verify.ts'

/** What {@link verifyLog} found. */
export interface LogVerification {
  readonly events: number
  /** Events whose id and place in the chain were checked besides their checksum. */
  readonly verified: number
  /** Events of foreign writers, which carry no hash. */
  readonly unverified: number
  readonly streams: number
  /** Snapshots, checkpoints and the like whose checksums were checked. */
  readonly stateEntries: number
  /** The first thousand. */
  readonly problems: readonly ReenactError[]
  readonly problemCount: number
  /** Why the rest of the log was not looked at, if it was not. */
  readonly gaveUp: ReenactError | undefined
}

/** What checking needs. */
export interface VerifyLogDeps {
  readonly store: EventStore
  readonly timers: Timers
  /** Told the position up to which the log was looked at. */
  readonly onProgress?: (position: number) => void
}

const pageMax = 512
const problemsMax = 1_000
/** So many unreadable positions one after the other are no flaw in a log any more, but the lack of one. */
const unreadableMax = 10_000

const damage: ReadonlySet<ErrorCode> = new Set(['CorruptEvent', 'RevisionGap', 'StoreUnreadable'])

/** Whether the error is about what is stored, not about the disk or the process. */
const isDamage = (error: unknown): error is ReenactError =>
  isReenactError(error) && damage.has(error.code)

/** Reads all there is, goes on after damage, and says everything that is wrong. */
export async function verifyLog(deps: VerifyLogDeps): Promise<LogVerification> {
  const check = new LogCheck(deps.store)
  const pages = readablePages(deps.store, (error) => check.addDamage(error))
  let gaveUp: ReenactError | undefined
  for (;;) {
    const { done, value: page } = await pages.next()
    if (done) {
      gaveUp = page
      break
    }
    for (const event of page.events) {
      const expected = check.add(event)
      if (expected !== event.revision) await check.lookIntoGap(event, expected)
    }
    deps.onProgress?.(page.position)
    await deps.timers.turn()
  }
  await check.addEnds(deps.timers)
  await check.addState()
  return { ...check.result(), gaveUp }
}

/**
 * Every page that can be read. What cannot is narrowed down to single positions and passed over. Returns why it
 * gave up, if it did.
 */
async function* readablePages(
  store: EventStore,
  onDamage: (error: ReenactError) => void,
): AsyncGenerator<LogPage, ReenactError | undefined> {
  let [limit, unreadable] = [pageMax, 0]
  for (let after = 0, end = false; !end; ) {
    try {
      const page = await store.readAll({ after, limit })
      yield page
      after = page.position
      end = page.end
      limit = Math.min(pageMax, limit * 2)
      unreadable = 0
    } catch (error) {
      if (!isDamage(error)) throw error
      if (limit > 1) {
        limit = 1
        continue
      }
      onDamage(error)
      after += 1
      unreadable += 1
      if (unreadable === unreadableMax) return nothingReadable(store.name, after)
    }
  }
  return undefined
}

const nothingReadable = (file: string, position: number): ReenactError =>
  new ReenactError(
    'StoreUnreadable',
    `${count(unreadableMax)} positions before ${position} cannot be read one after the other; what comes later was not looked at. Restore the last backup.`,
    { file, reason: 'damaged' },
  )

const count = (value: number): string => value.toLocaleString('en-US')

/** The last event of a stream that was seen; its hash, unless it could not be read. */
interface Link {
  readonly revision: number
  readonly hash: string | undefined
}

class LogCheck {
  readonly #store: EventStore
  readonly #links = new Map<string, Link>()
  readonly #problems: ReenactError[] = []
  #problemCount = 0
  #lastMessage = ''
  #verified = 0
  #unverified = 0
  #stateEntries = 0

  constructor(store: EventStore) {
    this.#store = store
  }

  /** Checks the next event of the log and answers which revision was to be expected. */
  add(event: RecordedEvent): number {
    const { stream, revision } = event
    const before = this.#links.get(stream)
    const expected = (before?.revision ?? -1) + 1
    const { hash, idMatches } = hashOf(event)
    const beforeHash = revision === 0 ? '' : revision === expected ? before?.hash : undefined
    const wrong = chainProblem(readMetadata(event), idMatches, beforeHash)
    if (wrong === undefined) this.#verified += 1
    else if (wrong === 'unverified') this.#unverified += 1
    else this.#problem(wrongHash(event, wrong))
    this.#links.set(stream, { revision, hash })
    return expected
  }

  /** Revisions are missing: because the stream was truncated, or because they are lost. */
  async lookIntoGap({ stream, revision }: RecordedEvent, expected: number): Promise<void> {
    try {
      const { events } = await this.#store.readStream(stream, { from: expected, limit: 1 })
      if ((events[0]?.revision ?? revision) > expected) return
      this.#problem(gap(stream, expected, revision))
    } catch (error) {
      this.#damageOnly(error)
    }
  }

  addDamage(error: ReenactError): void {
    this.#problem(error)
    if (!isReenactError(error, 'CorruptEvent')) return
    // It is known to be there: what follows it is no gap.
    const { stream, revision } = error.details
    const before = this.#links.get(stream)?.revision ?? -1
    if (revision > before) this.#links.set(stream, { revision, hash: undefined })
  }

  /** Whether each stream by itself reaches as far as the log does: an actor would go on from a lost end. */
  async addEnds(timers: Timers): Promise<void> {
    let looked = 0
    for (const [stream, { revision, hash }] of this.#links) {
      if (hash === undefined) continue // Its end is known to be damaged.
      try {
        const { head } = await this.#store.readStream(stream, { direction: 'backwards', limit: 1 })
        if (head < revision) this.#problem(lostEnd(stream, revision, head))
      } catch (error) {
        this.#damageOnly(error)
      }
      looked += 1
      if (looked % pageMax === 0) await timers.turn()
    }
  }

  async addState(): Promise<void> {
    const { state } = this.#store
    try {
      for (const key of await state.keys('')) {
        this.#stateEntries += 1
        await state.get(key).catch((error: unknown) => this.#damageOnly(error))
      }
    } catch (error) {
      this.#damageOnly(error)
    }
  }

  result(): Omit<LogVerification, 'gaveUp'> {
    const [verified, unverified] = [this.#verified, this.#unverified]
    return {
      events: verified + unverified,
      verified,
      unverified,
      streams: this.#links.size,
      stateEntries: this.#stateEntries,
      problems: this.#problems,
      problemCount: this.#problemCount,
    }
  }

  #damageOnly(error: unknown): void {
    if (!isDamage(error)) throw error
    this.#problem(error)
  }

  #problem(error: ReenactError): void {
    // One event may stop several pages, and more than one way of reading.
    const { message } = error
    if (message === this.#lastMessage) return
    if (this.#problems.some((known) => known.message === message)) return
    this.#lastMessage = message
    this.#problemCount += 1
    if (this.#problems.length < problemsMax) this.#problems.push(error)
  }
}

const lostEnd = (stream: string, expected: number, found: number): ReenactError =>
  new ReenactError(
    'RevisionGap',
    `The log has event ${expected} of '${stream}', but the stream read by itself ends at ${found}. Restore the file from a backup.`,
    { stream, expected, found },
  )

const gap = (stream: string, expected: number, found: number): ReenactError =>
  new ReenactError(
    'RevisionGap',
    `The log has event ${found} of '${stream}' where ${expected} belongs. Restore the file from a backup.`,
    { stream, expected, found },
  )
