// Reads what a group is about, as far as there is room.

import type { GroupInfo } from '../../ports/consumer-groups.ts'
import type { EventStore, RecordedEvent, Subscription } from '../../ports/event-store.ts'
import type { StoredGroup } from './group-record.ts'

/** What the reader tells its group. */
export interface ReaderHost {
  read(events: readonly RecordedEvent[], checkpoint: number): void
  /** Whether to read on. */
  hasRoom(): boolean
  /** Nothing comes any more, by an error or because the store is closed. */
  readingEnded(failure: unknown): void
}

/** A subscription that waits for room. */
export class GroupReader {
  readonly #store: EventStore
  readonly #host: ReaderHost
  #subscription: Subscription | undefined
  #makeRoom: (() => void) | undefined
  #closed = false
  #status: GroupInfo['status'] = 'idle'

  constructor(store: EventStore, host: ReaderHost) {
    this.#store = store
    this.#host = host
  }

  get status(): GroupInfo['status'] {
    return this.#status === 'live' && this.#makeRoom ? 'behind' : this.#status
  }

  /** Begins after the group's checkpoint, once. */
  start({ stream, filter, settings, checkpoint }: StoredGroup): void {
    if (this.#status !== 'idle') return
    this.#status = 'behind'
    const source = stream === undefined ? { ...(filter && { filter }) } : { stream }
    const reading = async () => {
      this.#subscription = this.#store.subscribe({
        ...source,
        after: checkpoint,
        batchMax: settings.readMax,
      })
      await this.#follow(this.#subscription)
    }
    reading().then(
      () => this.#host.readingEnded(undefined),
      (error: unknown) => {
        this.#status = 'failed'
        this.#host.readingEnded(error)
      },
    )
  }

  /** There may be room now. */
  goOn(): void {
    if (this.#closed || this.#host.hasRoom()) this.#makeRoom?.()
  }

  close(): void {
    this.#closed = true
    this.#subscription?.close()
    this.goOn()
  }

  async #follow(subscription: Subscription): Promise<void> {
    for await (const message of subscription) {
      if (message.kind === 'caught-up') this.#status = 'live'
      this.#host.read(message.kind === 'events' ? message.events : [], message.checkpoint)
      while (!this.#closed && !this.#host.hasRoom()) await this.#room()
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#makeRoom = () => {
        this.#makeRoom = undefined
        resolve()
      }
    })
  }
}
