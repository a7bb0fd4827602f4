// Read models beside writers: how far they lie behind, and how fast one is built anew.

import { join } from 'node:path'
import { assign, enqueueActions, setup } from 'xstate'
import { Backlog } from '../examples/incidents/backlog.ts'
import { Incident } from '../examples/incidents/incident.ts'
import { documents, projection } from '../projections/index.ts'
import { aggregate, createRuntime } from '../runtime/index.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'

type Measured = { readonly type: 'Measured'; readonly value: number }

const machine = setup({
  types: {
    context: {} as { readonly last: number },
    events: {} as { readonly type: 'measure'; readonly values: readonly number[] } | Measured,
    emitted: {} as Measured,
  },
}).createMachine({
  context: { last: 0 },
  on: {
    measure: {
      actions: enqueueActions(({ event, enqueue }) => {
        for (const value of event.values) enqueue.emit({ type: 'Measured', value })
      }),
    },
    Measured: { actions: assign({ last: ({ event }) => event.value }) },
  },
})

const Meter = aggregate('meter', machine, { events: { Measured: {} } })

const Sums = projection('sums', {
  from: Meter,
  view: documents<{ sum: number }>(),
  on: {
    Measured: ({ value }, view, { actorId }) =>
      view.patch(actorId, (row) => ({ sum: (row?.sum ?? 0) + value })),
  },
})

const meters = 1_000
const tickMs = 10
/** Ten commands of ten events each: 10,000 events a second. */
const commandsPerTick = 10
const values = Array.from({ length: 10 }, (_, value) => value)
const ticks = 500

/** Time from the answer to a command until the read model holds what it did, once a tick. */
async function lag(context: BenchContext, percentile: number): Promise<Figure> {
  const runtime = await createRuntime({
    store: `file:${context.file}`,
    actors: [Meter],
    views: `file:${context.file}-views`,
  })
  await runtime.project([Sums])
  const view = runtime.view(Sums)
  const lags: number[] = []
  const measure = (number: number) =>
    runtime.actor(Meter, `m${number % meters}`).send({ type: 'measure', values })
  const sample = async (number: number): Promise<void> => {
    const answered = await measure(number)
    const startMs = performance.now()
    await view.waitFor(answered, { timeoutMs: 60_000 })
    lags.push(performance.now() - startMs)
  }
  const count = scaled(ticks, context)
  const pending: Promise<unknown>[] = []
  const startMs = performance.now()
  for (let tick = 1; tick <= count; tick += 1) {
    const first = tick * commandsPerTick
    pending.push(sample(first))
    for (let number = 1; number < commandsPerTick; number += 1) {
      pending.push(measure(first + number))
    }
    // A late tick is followed by the next at once: the rate holds on the whole.
    const leftMs = startMs + tick * tickMs - performance.now()
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, leftMs)))
  }
  await Promise.all(pending)
  await runtime.close()
  lags.sort((a, b) => a - b)
  return { value: lags[Math.floor(percentile * (lags.length - 1))] ?? Number.NaN }
}

const incidents = 20_000
const teams = 40
const weekMs = 7 * 86_400_000
const firstMs = Date.UTC(2012, 0, 1)

const incidentsFile = ({ folder }: BenchContext): string => join(folder, 'incidents.db')

/** Incidents of a year, each handed over once; of five four are resolved. */
async function prepareIncidents(context: BenchContext): Promise<void> {
  const runtime = await createRuntime({
    store: `file:${incidentsFile(context)}`,
    actors: [Incident],
    limits: { timeoutMs: 600_000 },
  })
  const about = { impact: 'Medium', product: 'PROD1', country: 'fr' }
  const desk = (team: number) => ({
    team: `T${team % teams}`,
    supportLine: 1,
    division: null,
    organization: 'Org line A2',
  })
  const count = scaled(incidents, context)
  for (let from = 0; from < count; from += 500) {
    const some = Array.from({ length: Math.min(500, count - from) }, (_, at) => from + at)
    await Promise.all(
      some.map(async (number) => {
        const incident = runtime.actor(Incident, `i${number}`)
        const occurredAt = firstMs + (number % 52) * weekMs
        await incident.send({ type: 'queue', about, desk: desk(number) }, { occurredAt })
        await incident.send({ type: 'assign', about, desk: desk(number + 7) }, { occurredAt })
        if (number % 5 === 0) return
        await incident.send({ type: 'resolve', about, desk: desk(number + 7) }, { occurredAt })
      }),
    )
  }
  await runtime.project([Backlog])
  const [last] = (await runtime.store.readAll({ direction: 'backwards', limit: 1 })).events
  await runtime.view(Backlog).waitFor(last?.position ?? 0, { timeoutMs: 600_000 })
  await runtime.close()
}

/** Events of the log a second, from the first to the swap, the new one compared with the live one. */
async function rebuild(context: BenchContext): Promise<Figure> {
  const runtime = await createRuntime({
    store: `file:${incidentsFile(context)}?mode=ro`,
    actors: [Incident],
    views: `file:${incidentsFile(context)}-views`,
  })
  await runtime.project([Backlog])
  const position = await runtime.view(Backlog).position()
  const figure = await rate(position, async () => {
    const verify = (differences: readonly unknown[]) => differences.length === 0
    if (!(await runtime.projections.rebuild(Backlog, { verify }))) throw new Error('they differ')
  })
  await runtime.projections.drop(Backlog)
  await runtime.close()
  return figure
}

export const liveProjectionRows: readonly Row[] = [
  {
    title: 'lag of a read model, 10,000 events/s asked for',
    unit: 'ms',
    sides: [
      { name: 'Reenact: p50', role: 'reenact', run: (context) => lag(context, 0.5) },
      { name: 'Reenact: p99', role: 'reenact', run: (context) => lag(context, 0.99) },
    ],
  },
  {
    title: 'rebuild of the incidents backlog, compared and swapped',
    unit: 'events/s',
    prepare: prepareIncidents,
    sides: [{ name: 'Reenact', role: 'reenact', run: rebuild }],
  },
]
