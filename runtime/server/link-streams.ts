// `$ce-CATEGORY`, `$et-TYPE` and `$streams`: links to the events of the log, as EventStoreDB's system projections
// make them. A link stream is written from the first time somebody asks for it; its revisions never change.

import { v5 as namedUuid } from 'uuid'
import { categoryOf } from '../core/stream-name.ts'
import type {
  EventStore,
  EventToAppend,
  LogFilter,
  RecordedEvent,
  Subscription,
} from '../ports/event-store.ts'
import { linkType } from './stored-event.ts'

/** Links of one append. */
const pageMax = 512
const linkIds = 'b0a1f0a2-5c0d-4a52-9d25-0b6f0a2c7f11'

interface LinkRule {
  readonly filter?: LogFilter
  takes(event: RecordedEvent): boolean
}

const isSystem = (stream: string): boolean => stream.startsWith('$')

/** Which events a link stream points at; `undefined` for any other stream. */
function ruleOf(stream: string): LinkRule | undefined {
  if (stream === '$streams') {
    return { takes: ({ stream: of, revision }) => revision === 0 && !isSystem(of) }
  }
  const [, kind, name] = /^\$(ce|et)-(.+)$/s.exec(stream) ?? []
  if (kind === undefined || name === undefined) return undefined
  if (kind === 'et') return { filter: { types: [name] }, takes: ({ type }) => type !== linkType }
  return {
    filter: { categories: [name] },
    takes: ({ stream: of }) => of.includes('-') && categoryOf(of) === name && !isSystem(of),
  }
}

/** Whether the server itself writes this stream. */
export const isLinkStream = (stream: string): boolean => ruleOf(stream) !== undefined

interface Progress {
  /** The log was looked at up to here. */
  position: number
  /** Last revision of the link stream. */
  revision: number
}

/** Writes link streams. */
export class LinkStreams {
  readonly #store: EventStore
  readonly #progress = new Map<string, Progress>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #followers = new Map<string, Subscription>()

  constructor(store: EventStore) {
    this.#store = store
  }

  /** Brings a link stream up to the present end of the log. Nothing to do for any other stream. */
  async catchUp(stream: string): Promise<void> {
    const rule = ruleOf(stream)
    if (!rule) return
    // A run that began earlier may have missed the last events: wait for it, then look again.
    const before = this.#running.get(stream) ?? Promise.resolve()
    const run = before.catch(() => {}).then(() => this.#write(stream, rule))
    this.#running.set(stream, run)
    try {
      await run
    } finally {
      if (this.#running.get(stream) === run) this.#running.delete(stream)
    }
  }

  /** Keeps a link stream up to date from now on, for those who subscribed to it. */
  async follow(stream: string): Promise<void> {
    const rule = ruleOf(stream)
    if (!rule) return
    await this.catchUp(stream)
    if (this.#followers.has(stream)) return
    const after = this.#progress.get(stream)?.position ?? 0
    const { filter } = rule
    const subscription = this.#store.subscribe({ after, ...(filter && { filter }) })
    this.#followers.set(stream, subscription)
    void this.#keepUp(stream, subscription)
  }

  close(): void {
    for (const subscription of this.#followers.values()) subscription.close()
  }

  async #keepUp(stream: string, subscription: Subscription): Promise<void> {
    try {
      for await (const { kind } of subscription) {
        if (kind === 'events') await this.catchUp(stream)
      }
    } catch {
      // The next one who asks begins anew and gets to see the error.
      this.#followers.delete(stream)
    }
  }

  async #write(stream: string, rule: LinkRule): Promise<void> {
    const progress = this.#progress.get(stream) ?? (await this.#load(stream))
    this.#progress.set(stream, progress)
    for (;;) {
      const page = await this.#store.readAll({
        after: progress.position,
        limit: pageMax,
        ...(rule.filter && { filter: rule.filter }),
      })
      const links = page.events
        .filter((event) => rule.takes(event))
        .map((event) => linkTo(stream, event))
      if (links.length > 0) await this.#append(stream, links, progress)
      progress.position = page.position
      if (page.end) return
    }
  }

  async #append(
    stream: string,
    links: readonly EventToAppend[],
    progress: Progress,
  ): Promise<void> {
    const expected = progress.revision === -1 ? 'none' : progress.revision
    const outcome = await this.#store.append(stream, links, { expected })
    if (outcome.outcome === 'committed') {
      progress.revision = outcome.revision
      return
    }
    // Begin again from what is stored: the ids of links make a repetition harmless.
    this.#progress.delete(stream)
    throw 'error' in outcome ? outcome.error : new Error(`'${stream}' was written by another.`)
  }

  async #load(stream: string): Promise<Progress> {
    const { events, head } = await this.#store.readStream(stream, {
      direction: 'backwards',
      limit: 1,
    })
    const metadata = JSON.parse(events[0]?.metadata ?? '{"$c":0}') as { readonly $c: number }
    return { position: metadata.$c, revision: head }
  }
}

const linkTo = (linkStream: string, event: RecordedEvent): EventToAppend => {
  const target = `${event.revision}@${event.stream}`
  const { position, stream, id } = event
  return {
    id: namedUuid(`${linkStream}\n${position}`, linkIds),
    type: linkType,
    data: target,
    metadata: JSON.stringify({
      $v: '1:-1:1:1',
      $c: position,
      $p: position,
      $o: stream,
      $causedBy: id,
    }),
  }
}
