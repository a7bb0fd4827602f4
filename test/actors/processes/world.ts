// A world for small processes: manual time, a log, and as many runtimes on it as a test wants.

import { assign, emit, setup } from 'xstate'
import {
  type AnyAggregate,
  type AnyProcessManager,
  type AnyReaction,
  aggregate,
  createMemoryStore,
  createRuntime,
  type EventStore,
  type ProcessWorkOptions,
  type Runtime,
} from '../../../runtime/index.ts'
import { createManualPorts, type ManualPorts } from '../../../runtime/testing/index.ts'

type Command = { readonly type: 'begin' } | { readonly type: 'note'; readonly text: string }
type Event = { readonly type: 'Begun' } | { readonly type: 'Noted'; readonly text: string }

const machine = setup({
  types: {
    context: {} as { readonly notes: readonly string[] },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
}).createMachine({
  context: { notes: [] },
  on: {
    begin: { actions: emit({ type: 'Begun' }) },
    note: { actions: emit(({ event }) => ({ type: 'Noted', text: event.text })) },
    Begun: {},
    Noted: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.text] }) },
  },
})

/** Something that begins, and that notes can be written to. */
export const Case = aggregate('case', machine, { events: { Begun: {}, Noted: {} } })

export interface World {
  readonly ports: ManualPorts
  readonly log: EventStore
  readonly until: ManualPorts['until']
  /** A runtime whose reactions and processes work, and what they post. */
  react(
    reactions: readonly AnyReaction[],
    processes?: readonly AnyProcessManager[],
  ): Promise<Runtime>
  /** A runtime that works. */
  open(processes: readonly AnyProcessManager[], options?: ProcessWorkOptions): Promise<Runtime>
  /** One that only looks and acts. */
  look(processes: readonly AnyProcessManager[]): Promise<Runtime>
  /** Types of the events of a stream. */
  types(stream: string): Promise<readonly string[]>
}

/** A new one, or another one on the log of a world that was before. */
export function world(
  actors: readonly AnyAggregate[] = [Case],
  before?: Pick<World, 'ports' | 'log'>,
): World {
  const ports = before?.ports ?? createManualPorts()
  const log = before?.log ?? createMemoryStore(ports)
  const look: World['look'] = (processes) => createRuntime({ store: log, actors, processes, ports })
  return {
    ports,
    log,
    until: (promise) => ports.until(promise),
    look,
    react: async (reactions, processes = []) => {
      const runtime = await createRuntime({ store: log, actors, reactions, processes, ports })
      runtime.processes.work()
      runtime.work()
      return runtime
    },
    open: async (processes, options) => {
      const runtime = await look(processes)
      runtime.processes.work(options)
      return runtime
    },
    types: async (stream) =>
      (await log.readStream(stream)).events.map(({ type }) => type.replace('reenact.', '')),
  }
}
