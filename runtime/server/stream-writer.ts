// Everything that changes streams: appends, rules, deletion. The wire is not known here.

import { status } from '@grpc/grpc-js'
import { v4 as newUuid } from 'uuid'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import type { AppendOutcome, EventStore, EventToAppend } from '../ports/event-store.ts'
import { meets, versionOf } from './expectations.ts'
import { Gate } from './gate.ts'
import { isLinkStream } from './link-streams.ts'
import { RecentAppends } from './recent-appends.ts'
import {
  accessDenied,
  invalidArgument,
  RpcError,
  rpcErrorOf,
  streamDeleted,
  wrongExpectedVersion,
} from './rpc-error.ts'
import {
  applyRules,
  deletedRules,
  revivedRules,
  ruledStreamOf,
  rulesStreamOf,
  rulesText,
} from './stream-rules.ts'

/** An append that was decided: written at this place, or the stream is elsewhere. Revision -1: nothing is there. */
export type Appended =
  | { readonly kind: 'written'; readonly revision: number; readonly position: number }
  | { readonly kind: 'conflict'; readonly actual: number }

// Kept in the store until done, so that a crash in between is made good at the next start.
const pendingKey = 'server:rules:'
const deletedKey = 'server:deleted:'

/** Writes to the streams of a store. Make it with {@link openStreamWriter}. */
export class StreamWriter {
  readonly #store: EventStore
  readonly #gate = new Gate()
  readonly #recent = new RecentAppends()
  /** Deleted streams that nobody wrote since. */
  readonly #deleted: Set<string>
  readonly #onTombstone = new Map<string, Set<() => void>>()

  constructor(store: EventStore, deleted: Iterable<string>) {
    this.#store = store
    this.#deleted = new Set(deleted)
  }

  /** Appends events to one stream or none. Throws what is neither written nor a conflict. */
  append(
    stream: string,
    events: readonly EventToAppend[],
    expected: ExpectedRevision,
  ): Promise<Appended> {
    if (stream === '$all') throw invalidArgument("'$all' is the log itself. Append to a stream.")
    refuseLinkStream(stream)
    if (events.length === 0) return this.#appendNothing(stream, expected)
    const ruled = ruledStreamOf(stream)
    if (ruled !== undefined) return this.#setRules(ruled, events, expected)
    const append = () => this.#gate.shared(() => this.#store.append(stream, events, { expected }))
    const outcome =
      expected === 'any' || expected === 'exists'
        ? this.#recent.once(stream, events, append)
        : append()
    return outcome.then((known) => this.#appended(stream, known))
  }

  /** Hides all events of a stream. Answers a position of the log from which on that holds. */
  deleteStream(stream: string, expected: ExpectedRevision): Promise<number> {
    refuseLinkStream(stream)
    return this.#gate.exclusive(async () => {
      const page = await this.#check(stream, expected)
      if (page.head < 0) return this.#end()
      await this.#store.state.put(`${pendingKey}${stream}`, '')
      const before = await rulesText(this.#store, stream)
      const event = deletedRules(newUuid(), before)
      const { position } = await this.#appendRules(stream, [event], 'any')
      this.#deleted.add(stream)
      await this.#store.state.put(`${deletedKey}${stream}`, '')
      await this.#finishRules(stream)
      this.#recent.forget(stream)
      return position
    })
  }

  /** Ends a stream for ever. Answers a position of the log from which on that holds. */
  tombstoneStream(stream: string, expected: ExpectedRevision): Promise<number> {
    refuseLinkStream(stream)
    return this.#gate.exclusive(async () => {
      await this.#check(stream, expected)
      await this.#store.tombstoneStream(stream)
      for (const tell of this.#onTombstone.get(stream) ?? []) tell()
      return this.#end()
    })
  }

  /** Calls back when the stream is tombstoned. The returned function gives up. */
  whenTombstoned(stream: string, tell: () => void): () => void {
    const listeners = this.#onTombstone.get(stream) ?? new Set()
    this.#onTombstone.set(stream, listeners.add(tell))
    return () => {
      listeners.delete(tell)
      if (listeners.size === 0) this.#onTombstone.delete(stream)
    }
  }

  #appended(stream: string, outcome: AppendOutcome): Appended | Promise<Appended> {
    const appended = appendedOf(outcome)
    if (appended.kind === 'conflict' || !this.#deleted.has(stream)) return appended
    return this.#revive(stream).then(() => appended)
  }

  // A deleted stream that is written again says so in its rules: it begins where it goes on.
  #revive(stream: string): Promise<void> {
    return this.#gate.exclusive(async () => {
      if (!this.#deleted.has(stream)) return
      const { events, deleted } = await this.#store.readStream(stream, { limit: 1 })
      if (deleted === 'no') {
        const first = events[0]?.revision ?? 0
        const before = await rulesText(this.#store, stream)
        await this.#appendRules(stream, [revivedRules(newUuid(), before, first)], 'any')
        await applyRules(this.#store, stream)
      }
      await this.#store.state.delete(`${deletedKey}${stream}`)
      this.#deleted.delete(stream)
    })
  }

  #setRules(
    ruled: string,
    events: readonly EventToAppend[],
    expected: ExpectedRevision,
  ): Promise<Appended> {
    if (ruled === '' || ruled.startsWith('$$')) {
      throw invalidArgument(
        `'${rulesStreamOf(ruled)}' would hold the rules of rules. There are none.`,
      )
    }
    return this.#gate.exclusive(async () => {
      await this.#check(ruled, 'any')
      await this.#store.state.put(`${pendingKey}${ruled}`, '')
      const outcome = await this.#store.append(rulesStreamOf(ruled), events, { expected })
      const appended = appendedOf(outcome)
      await this.#finishRules(ruled)
      return appended
    })
  }

  async #appendRules(
    stream: string,
    events: readonly EventToAppend[],
    expected: ExpectedRevision,
  ): Promise<{ position: number }> {
    const appended = appendedOf(
      await this.#store.append(rulesStreamOf(stream), events, { expected }),
    )
    return { position: appended.kind === 'written' ? appended.position : 0 }
  }

  async #finishRules(stream: string): Promise<void> {
    await applyRules(this.#store, stream)
    await this.#store.state.delete(`${pendingKey}${stream}`)
  }

  async #appendNothing(stream: string, expected: ExpectedRevision): Promise<Appended> {
    const page = await this.#store.readStream(stream, { direction: 'backwards', limit: 1 })
    if (page.deleted === 'tombstone') throw streamDeleted(stream)
    if (!meets(page, expected)) return { kind: 'conflict', actual: page.head }
    return { kind: 'written', revision: page.head, position: page.events[0]?.position ?? 0 }
  }

  async #check(stream: string, expected: ExpectedRevision): Promise<{ head: number }> {
    const page = await this.#store.readStream(stream, { direction: 'backwards', limit: 1 })
    if (page.deleted === 'tombstone') throw streamDeleted(stream)
    if (!meets(page, expected)) {
      throw wrongExpectedVersion(stream, versionOf(expected), page.head)
    }
    return page
  }

  async #end(): Promise<number> {
    const { events } = await this.#store.readAll({ direction: 'backwards', limit: 1 })
    return events[0]?.position ?? 0
  }
}

/** A writer for a store. What a crash left half done is finished first. */
export async function openStreamWriter(store: EventStore): Promise<StreamWriter> {
  for (const key of await store.state.keys(pendingKey)) {
    await applyRules(store, key.slice(pendingKey.length))
    await store.state.delete(key)
  }
  const deleted = await store.state.keys(deletedKey)
  return new StreamWriter(
    store,
    deleted.map((key) => key.slice(deletedKey.length)),
  )
}

function refuseLinkStream(stream: string): void {
  if (isLinkStream(stream) || isLinkStream(ruledStreamOf(stream) ?? '')) {
    throw accessDenied(
      `'${stream}' belongs to the server. Its links follow the events they point at.`,
    )
  }
}

function appendedOf(outcome: AppendOutcome): Appended {
  switch (outcome.outcome) {
    case 'committed':
      return { kind: 'written', revision: outcome.revision, position: outcome.position }
    case 'conflict':
      return { kind: 'conflict', actual: outcome.actual }
    case 'refused':
      throw rpcErrorOf(outcome.error)
    case 'unknown':
      throw new RpcError(
        status.ABORTED,
        'It is not known whether the append was written. Send the same events again.',
      )
  }
}
