// What a conformance case is, and the few helpers all of them share. Free of any test runner.

import { strict as assert } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { isReenactError } from '../../core/errors.ts'
import type { ExpectedRevision } from '../../core/expected-revision.ts'
import type {
  AppendOutcome,
  EventStore,
  EventToAppend,
  RecordedEvent,
  Subscription,
  SubscriptionMessage,
} from '../../ports/event-store.ts'

/** How the suite gets at the adapter under test. */
export interface ContractHarness {
  /**
   * A new, empty store. The case closes it.
   *
   * @example
   * ```ts
   * const harness: ContractHarness = { open: async (options) => createMemoryStore(options), takesClock: true }
   * ```
   */
  open(options?: { readonly clock?: Clock }): Promise<EventStore>
  /**
   * Closes the store and opens again what it kept. For stores that are durable.
   *
   * @example
   * ```ts
   * reopen: async (store) => {
   *   await store.close()
   *   return openMine(store.name)
   * }
   * ```
   */
  reopen?(store: EventStore, options?: { readonly clock?: Clock }): Promise<EventStore>
  /** Whether `open` and `reopen` use the clock they are given. */
  readonly takesClock?: boolean
  /** Whether what is deleted or truncated is gone at once, from the log too, rather than at some later clean-up. */
  readonly truncatesAtOnce?: boolean
  /**
   * Whether groups delay retries, tell what is replayed, count only what a consumer took, and have decided when
   * `nack` resolves. EventStoreDB's protocol has none of that.
   */
  readonly exactGroups?: boolean
}

/** What a case asks of the harness beyond `open`. */
export type ContractNeed = 'reopen' | 'takesClock' | 'truncatesAtOnce' | 'exactGroups'

/** One expectation of the port. */
export interface ContractCase {
  /** What is expected, as a title for a test. */
  readonly name: string
  /** What the harness must have for it to apply. Default: nothing more. */
  readonly needs?: readonly ContractNeed[]
  /** Rejects where the adapter is wrong, with what was expected. */
  run(harness: ContractHarness): Promise<void>
}

/** A case on one store, which is closed afterwards. */
export const onStore = (
  name: string,
  body: (store: EventStore) => Promise<void>,
  ...needs: readonly ContractNeed[]
): ContractCase => ({
  name,
  needs,
  run: async (harness) => {
    const store = await harness.open()
    try {
      await body(store)
    } finally {
      await store.close()
    }
  },
})

/** An event with an id of its own. */
export const event = (type = 'Happened', data: unknown = {}): EventToAppend => ({
  id: randomUUID(),
  type,
  data: JSON.stringify(data),
  metadata: '{}',
})

/** So many events, numbered in `data` and as `Happened`. */
export const events = (count: number): EventToAppend[] =>
  Array.from({ length: count }, (_, n) => event('Happened', { n }))

/** Appends and insists on success. */
export async function append(
  store: EventStore,
  stream: string,
  what: readonly EventToAppend[],
  expected: ExpectedRevision = 'any',
): Promise<Extract<AppendOutcome, { outcome: 'committed' }>> {
  const outcome = await store.append(stream, what, { expected })
  assert.equal(outcome.outcome, 'committed', `append to ${stream}: ${describe(outcome)}`)
  return outcome as Extract<AppendOutcome, { outcome: 'committed' }>
}

/** Insists that the append conflicts and that the stream is at `actual`. */
export async function conflicts(
  store: EventStore,
  stream: string,
  what: readonly EventToAppend[],
  expected: ExpectedRevision,
  actual: number,
): Promise<void> {
  assert.deepEqual(await store.append(stream, what, { expected }), { outcome: 'conflict', actual })
}

/** Insists that the append is refused for this reason. */
export async function refused(
  store: EventStore,
  stream: string,
  what: readonly EventToAppend[],
  expected: ExpectedRevision,
  code: ErrorCode,
): Promise<void> {
  const outcome = await store.append(stream, what, { expected })
  assert.equal(outcome.outcome, 'refused', describe(outcome))
  if (outcome.outcome === 'refused') assert.equal(outcome.error.code, code)
}

/** Insists that the promise fails with this error of Reenact. */
export const rejects = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(promise, (error: unknown) => isReenactError(error, code))

/** The revisions of events. */
export const revisions = (page: { readonly events: readonly RecordedEvent[] }): number[] =>
  page.events.map((recorded) => recorded.revision)

/** The ids of events. */
export const idsOf = (list: readonly { readonly id: string }[]): string[] =>
  list.map(({ id }) => id)

/** Messages up to and including the first that satisfies the condition; the iteration stays open. */
export async function messagesUntil(
  iterator: AsyncIterator<SubscriptionMessage>,
  isLast: (message: SubscriptionMessage) => boolean,
): Promise<SubscriptionMessage[]> {
  const messages: SubscriptionMessage[] = []
  for (;;) {
    const next = await iterator.next()
    if (next.done) return messages
    messages.push(next.value)
    if (isLast(next.value)) return messages
  }
}

/** The next so many events of a subscription. */
export async function nextEvents(
  iterator: AsyncIterator<SubscriptionMessage>,
  count: number,
): Promise<RecordedEvent[]> {
  let seen = 0
  const messages = await messagesUntil(iterator, (message) => {
    if (message.kind === 'events') seen += message.events.length
    return seen >= count
  })
  return eventsOf(messages)
}

/** The events of messages. */
export const eventsOf = (messages: readonly SubscriptionMessage[]): RecordedEvent[] =>
  messages.flatMap((message) => (message.kind === 'events' ? message.events : []))

/** The running iteration of a subscription. */
export const iterate = (subscription: Subscription): AsyncIterator<SubscriptionMessage> =>
  subscription[Symbol.asyncIterator]()

/** Whether a message says that all was delivered. */
export const isCaughtUp = (message: SubscriptionMessage): boolean => message.kind === 'caught-up'

/** A clock that stands where it is put. */
export function standingClock(now: number): Clock & { set(now: number): void } {
  let current = now
  return {
    now: () => current,
    monotonic: () => current,
    set: (next) => {
      current = next
    },
  }
}

const describe = (outcome: AppendOutcome): string =>
  'error' in outcome ? `${outcome.outcome}: ${String(outcome.error)}` : JSON.stringify(outcome)
