// Commands that are not due yet: on `account:delayed-ann` until their time has come, then on the command stream.

import { readMetadata } from '../runtime/codec/metadata.ts'
import { sleep } from '../runtime/core/clock.ts'
import { isReenactError, messageOf } from '../runtime/core/errors.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import type { Consumer, GroupDefinition } from '../runtime/ports/consumer-groups.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { ActorDeps } from './actor-deps.ts'
import { appendAny } from './append-any.ts'
import { delayedCategory, streamsOfRelated } from './command-stream.ts'
import { ensureGroup, warnLeft } from './group-membership.ts'
import { identify } from './recorded.ts'

/** Commands that one worker holds until they are due. Further ones are read as these go. */
const heldMax = 10_000
const againMs = 500

const groupOf = (group: string, kind: string): GroupDefinition => ({
  name: `${group}:${kind}:delayed`,
  filter: { streamPrefix: `${delayedCategory(kind)}-` },
  settings: {
    retriesMax: Number.POSITIVE_INFINITY,
    messageTimeoutMs: Number.POSITIVE_INFINITY,
    bufferMax: heldMax,
  },
})

/** Moves the delayed commands of one kind. Moved twice, by a crash in between, they are still one command. */
export class DelayedCommands {
  readonly #deps: ActorDeps
  readonly #kind: string
  readonly #definition: GroupDefinition
  readonly #cancels = new Set<() => void>()
  #consumer: Consumer | undefined
  #stopping = false
  readonly #running: Promise<void>

  constructor(deps: ActorDeps, group: string, kind: string) {
    this.#deps = deps
    this.#kind = kind
    this.#definition = groupOf(group, kind)
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    for (const cancel of this.#cancels) cancel()
    this.#consumer?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { groups } = this.#deps.store
    while (!this.#stopping) {
      try {
        await ensureGroup(groups, this.#definition)
        const consumer = await groups.consume(this.#definition, { inFlightMax: heldMax })
        this.#consumer = consumer
        if (this.#stopping) consumer.close()
        for await (const deliveries of consumer) {
          for (const { event } of deliveries) this.#hold(consumer, event)
        }
      } catch (error) {
        if (isReenactError(error, 'Closed')) return
        warnLeft(this.#definition, error)
      }
      if (!this.#stopping) await sleep(this.#deps.ports.timers, againMs, { background: true })
    }
  }

  #hold(consumer: Consumer, event: RecordedEvent): void {
    const { timers, clock } = this.#deps.ports
    const { dueAt = 0 } = readMetadata(event) as { readonly dueAt?: number }
    const leftMs = dueAt - clock.now()
    if (leftMs <= 0) {
      void this.#move(consumer, event)
      return
    }
    const cancel = timers.after(Math.min(leftMs, timerMsMax), () => {
      this.#cancels.delete(cancel)
      if (!this.#stopping) this.#hold(consumer, event)
    })
    this.#cancels.add(cancel)
  }

  async #move(consumer: Consumer, { stream, type, data, metadata, id }: RecordedEvent) {
    const { commands } = streamsOfRelated(this.#kind, stream)
    try {
      const { event } = identify({ stream: commands, revision: 0, type, data, metadata })
      await appendAny(this.#deps, commands, [event])
      await consumer.ack([id])
    } catch (error) {
      if (isReenactError(error, 'Closed')) return
      // Not given up: it comes again.
      await consumer.nack([id], 'retry', { delayMs: againMs, reason: messageOf(error) })
    }
  }
}
