// The kinds of processes of a runtime, and how single processes are reached.

import { decode, type Json, type JsonObject } from '../../runtime/codec/codec.ts'
import { idOf, streamName } from '../../runtime/core/stream-name.ts'
import { letterNotFound } from '../dead-letters.ts'
import type { Directory } from '../directory.ts'
import type { Model } from '../model.ts'
import type { TriggerEntry } from './process-entry.ts'
import { notFound, unknownActor, unknownProcess, wrong } from './process-errors.ts'
import { ProcessInstance, type Tell } from './process-instance.ts'
import { type AnyProcessManager, processModelOf } from './process-manager.ts'
import type { ProcessModel } from './process-model.ts'
import type { ProcessState } from './process-state.ts'
import type { ProcessWorker } from './process-worker.ts'
import { type AnyReaction, type ReactionModel, reactionModelOf } from './reaction.ts'
import type { ReactionWorker } from './reaction-worker.ts'
import { type ProcessTrigger, readTrigger, type TriggerPlace, triggerOf } from './trigger.ts'

/** What processes need of their runtime. */
export interface ProcessesDeps {
  readonly directory: Directory
  /** Aggregates by name. */
  readonly models: ReadonlyMap<string, Model>
  readonly newId: () => string
}

/** All kinds of processes of a runtime, and its reactions. */
export class ProcessDirectory {
  /** By name, with what this runtime knows of the events they take. */
  readonly models = new Map<string, ProcessModel>()
  readonly #defined = new Map<string, ProcessModel>()
  readonly reactions = new Map<string, ReactionModel>()
  /** Workers that run here, by kind. */
  readonly workers = new Map<string, ProcessWorker>()
  readonly reactionWorkers = new Map<string, ReactionWorker>()
  /** Ends what was started here. */
  readonly works = new Set<() => Promise<void>>()
  readonly #deps: ProcessesDeps

  /** Throws `InvalidOption`, `UnknownActor`. */
  constructor(
    deps: ProcessesDeps,
    processes: readonly AnyProcessManager[],
    reactions: readonly AnyReaction[],
  ) {
    this.#deps = deps
    for (const process of processes) this.#add(processModelOf(process))
    for (const reaction of reactions) this.#addReaction(reactionModelOf(reaction))
  }

  #addReaction(model: ReactionModel): void {
    const { name, from, to } = model
    this.#checkName('reactions', name)
    for (const one of [from, to]) {
      if (this.#deps.models.get(one.name) !== one) throw unknownActor(one.name, name)
    }
    this.reactions.set(name, model)
  }

  #checkName(option: string, name: string): void {
    const { models } = this.#deps
    if (!this.models.has(name) && !this.reactions.has(name) && !models.has(name)) return
    const fix = 'rename one: the name is the category of its streams'
    throw wrong(option, `has two kinds named '${name}'`, fix)
  }

  #add(model: ProcessModel): void {
    const { name, models, triggers } = model
    this.#checkName('processes', name)
    for (const one of models) {
      if (this.#deps.models.get(one.name) !== one) throw unknownActor(one.name, name)
    }
    for (const { kind, type } of triggers.values()) {
      const source = this.#deps.models.get(kind)
      if (!source) throw unknownActor(kind, name)
      if (!source.events.has(type)) {
        throw wrong(
          'on',
          `of process '${name}' names '${kind}.${type}', which '${kind}' does not emit`,
          `name one of ${[...source.events.keys()].join(', ')}`,
        )
      }
    }
    const upcasters = new Map([...this.#deps.models].map(([kind, one]) => [kind, one.upcasters]))
    this.#defined.set(name, model)
    this.models.set(name, { ...model, upcasters })
  }

  /** The internals of a process manager of this runtime. Throws `UnknownProcess`. */
  modelOf(process: AnyProcessManager): ProcessModel {
    const defined = processModelOf(process)
    const model = this.models.get(defined.name)
    if (!model || this.#defined.get(defined.name) !== defined) throw unknownProcess(defined.name)
    return model
  }

  /** The internals of a reaction of this runtime. Throws `UnknownProcess`. */
  reactionOf(reaction: AnyReaction): ReactionModel {
    const model = reactionModelOf(reaction)
    if (this.reactions.get(model.name) !== model) throw unknownProcess(model.name)
    return model
  }

  /** Tells a process something, where it runs if that is here. */
  tell(model: ProcessModel, id: string, tell: Tell): Promise<ProcessState> {
    const running = this.workers.get(model.name)?.tell(id, tell)
    if (running) return running
    // A name of its own, so that a worker which begins here at this moment notices.
    const { deps } = this.#deps.directory
    return new ProcessInstance({ ...deps, writer: `${deps.writer}:told` }, model, id).tell(tell)
  }

  /** The state of a process as the log has it. Throws `ProcessNotFound`. */
  async read(model: ProcessModel, id: string): Promise<ProcessState> {
    const instance = new ProcessInstance(this.#deps.directory.deps, model, id)
    const state = await instance.load()
    if (instance.revision === -1) throw notFound(model.name, id, 'there is none')
    return state
  }

  /** What the event of a dead letter tells. Throws `DeadLetterNotFound` where it is gone, and what its `id` throws. */
  async triggerAt(model: ProcessModel, letter: string, about: JsonObject): Promise<ProcessTrigger> {
    const { kind, actorId, revision, eventId } = about as unknown as TriggerPlace
    const { store } = this.#deps.directory.deps
    const page = await store.readStream(streamName(kind, actorId), { from: revision, limit: 1 })
    const [recorded] = page.events
    const read =
      recorded?.id === eventId ? readTrigger(this.#deps.models, model, recorded) : undefined
    // Who tries again has seen that it is no circle.
    if (read) return triggerOf(model, { ...read, hops: 0 })
    throw letterNotFound(letter, `its event is gone, or no trigger of ${model.name}`)
  }

  /** Whether a process was told an event before. */
  async wasTold(model: ProcessModel, id: string, { eventId }: TriggerEntry): Promise<boolean> {
    const { store } = this.#deps.directory.deps
    const stream = streamName(model.name, id)
    for (let from = 0, end = false; !end; ) {
      const page = await store.readStream(stream, { from, limit: 512 })
      for (const { type, data, revision } of page.events) {
        if (triggerIn(type, decode(data))?.eventId === eventId) return true
        from = revision + 1
      }
      end = page.end || page.events.length === 0
    }
    return false
  }

  /** Ids of a kind; those that have ended only where they are wanted. */
  async *ids(model: ProcessModel, ended: boolean): AsyncGenerator<string> {
    const { store } = this.#deps.directory.deps
    for (let after: string | undefined; ; ) {
      const page = { category: model.name, ...(after === undefined ? {} : { after }) }
      const streams = await store.listStreams(page)
      for (const stream of streams) {
        const options = { direction: 'backwards', limit: 1 } as const
        const last = ended ? undefined : (await store.readStream(stream, options)).events[0]
        if (last?.type !== 'reenact.ProcessEnded') yield idOf(stream)
      }
      after = streams.at(-1)
      if (after === undefined) return
    }
  }
}

/** The trigger an entry holds: it is one, or its process was parked with it. */
function triggerIn(type: string, entry: Json): Partial<TriggerEntry> | undefined {
  if (type === 'reenact.Triggered') return entry as Partial<TriggerEntry>
  const { input } = entry as { readonly input?: Partial<TriggerEntry> | null }
  return type === 'reenact.ProcessParked' ? (input ?? undefined) : undefined
}
