// The same history gives the same state and the same owed effects, whatever happened and wherever the replay stops.

import { expect } from 'chai'
import fc from 'fast-check'
import { Directory, zeroMetrics } from '../../../actors/index.ts'
import type { Entry, TriggerEntry } from '../../../actors/processes/process-entry.ts'
import { infoOf } from '../../../actors/processes/process-info.ts'
import { ProcessInstance, type Tell } from '../../../actors/processes/process-instance.ts'
import { processModelOf } from '../../../actors/processes/process-manager.ts'
import {
  isEnded,
  type ProcessState,
  type StepState,
  undoOwed,
} from '../../../actors/processes/process-state.ts'
import { stepId } from '../../../actors/processes/step-ids.ts'
import { told, toldBlindly } from '../../../actors/processes/trigger.ts'
import { orderProcess } from '../../../examples/orders/order-process.ts'
import { readLimits } from '../../../runtime/host/runtime-options.ts'
import { createMemoryStore, type RecordedEvent } from '../../../runtime/index.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'

const runs = Number(process.env['REENACT_CASES'] ?? 50)
const Process = orderProcess({ payments: { approve: async () => {} } })
const model = processModelOf(Process)
const act = { by: 'ann', reason: 'a test' }
const error = { kind: 'failed', message: 'down', attempts: 1 } as const
const placed = {
  type: 'order.Placed',
  customer: 'ann',
  item: 'lamp',
  units: 1,
  amount: 5,
} as const

const starting = { starts: true, early: false }
const early = { starts: false, early: true }

/** What may happen to a process next; `pick` chooses among what there is. */
const happening = fc.record({
  what: fc.constantFrom(
    ...(['completed', 'completed', 'completed', 'failed', 'attempt', 'interrupted'] as const),
    ...(['event', 'timer', 'time', 'stale', 'undone', 'undo failed', 'resolved', 'stuck'] as const),
    ...(['paused', 'resumed', 'retried', 'skipped', 'cancelled', 'started'] as const),
    ...(['step cancelled', 'held blindly'] as const),
  ),
  pick: fc.nat(9),
})
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

const entryOf = (
  { what, pick }: Happening,
  state: ProcessState,
  revision = 0,
): Entry | undefined => {
  const steps = [...state.steps.values()]
  const step = steps[pick % Math.max(1, steps.length)]?.key
  const timer = [...state.timers.keys()][pick % Math.max(1, state.timers.size)]
  const undo = state.undoable.at(-1)?.step.key
  const unknown = state.unresolved.at(-1)?.key
  const entry = (event: TriggerEntry['event']): TriggerEntry => ({
    type: 'reenact.Triggered',
    event,
    eventId: `e${state.lastTrigger}`,
    position: state.lastTrigger + 1,
    correlationId: 'talk',
  })
  const trigger = (event: TriggerEntry['event'], rule: typeof starting) =>
    told(model, { rule, entry: entry(event) }, { state, revision })
  const of = <T extends Entry>(entry: T, key: unknown): T | undefined => (key ? entry : undefined)
  const key = step ?? ''
  switch (what) {
    case 'completed':
      return of({ type: 'reenact.StepCompleted', step: key, output: { pick } }, step)
    case 'failed':
      return of({ type: 'reenact.StepFailed', step: key, error, unknown: pick > 4 }, step)
    case 'attempt':
      return of(
        { type: 'reenact.StepAttemptFailed', step: key, attempt: pick, error, retryAt: 1 + pick },
        step,
      )
    case 'interrupted':
      return of({ type: 'reenact.StepInterrupted', step: key, attempt: pick }, step)
    case 'stale':
      return { type: 'reenact.StepCompleted', step: `${pick}/reserve`, output: null }
    case 'timer':
      return of({ type: 'reenact.TimerFired', timer: timer ?? '' }, timer)
    case 'event':
      return trigger({ type: 'order.CancelRequested' }, early)
    case 'started':
      return trigger(placed, starting)
    case 'held blindly': {
      const given =
        pick > 4
          ? { rule: starting, entry: entry(placed) }
          : { rule: early, entry: entry({ type: 'order.CancelRequested' }) }
      return { ...toldBlindly(model, given), held: true }
    }
    case 'undone':
      return of({ type: 'reenact.StepUndone', step: undo ?? '' }, undo)
    case 'undo failed':
      return of({ type: 'reenact.UndoAttemptFailed', step: undo ?? '', attempt: pick, error }, undo)
    case 'resolved':
      return of(
        { type: 'reenact.StepResolved', step: unknown ?? '', happened: pick > 4, output: null },
        unknown,
      )
    case 'stuck':
      return of({ type: 'reenact.CompensationStuck', step: undo ?? '', attempts: 10, error }, undo)
    case 'paused':
      return { type: 'reenact.ProcessPaused', ...act }
    case 'resumed':
      return { type: 'reenact.ProcessResumed', ...act }
    case 'retried':
      return of({ type: 'reenact.StepRetried', step: key, ...act }, step)
    case 'skipped':
      return of({ type: 'reenact.StepSkipped', step: key, output: null, ...act }, step)
    case 'step cancelled':
      return of({ type: 'reenact.StepCancelled', step: key, ...act }, step)
    case 'cancelled':
      return isEnded(state) ? undefined : { type: 'reenact.ProcessCancelled', ...act }
    case 'time':
      return undefined
  }
}

/** Everything that the state says and what it owes, as data. */
const everythingOf = (stream: string, state: ProcessState) => {
  const owed = ({ key, requestedAt, interrupted }: StepState) => ({
    key,
    id: stepId(stream, key, requestedAt),
    interrupted,
  })
  const { resolve, undo } = undoOwed(state)
  return JSON.parse(
    JSON.stringify({
      info: infoOf(state),
      owed: [...state.steps.values()].map(owed),
      timers: [...state.timers.values()],
      resolve: resolve.map(owed),
      undo: undo.map(({ step, output, known, late }) => ({ ...owed(step), output, known, late })),
      held: state.held,
      rest: [
        state.resumeTo,
        state.undoneUnknown.map(owed),
        state.compensated,
        state.undoFailed,
        state.correlationId,
        state.lastTrigger,
      ],
      machine: [state.snapshot?.status, state.snapshot?.historyValue],
    }),
  )
}

/** A log, and what instances on it need. */
function bareLog() {
  const ports = createManualPorts()
  const store = createMemoryStore(ports)
  const { clock, timers } = ports
  const common = { limits: readLimits({}), metrics: zeroMetrics(), writer: 'test' }
  const { deps } = new Directory({ store, clock, timers, ports, ...common, exclusive: false })
  return { ports, store, deps }
}

describe('a process', () => {
  it('takes a timer once that two workers fire, and none whose state was left', async () => {
    const { ports, store, deps } = bareLog()
    const [one, two] = [0, 1].map(() => new ProcessInstance(deps, model, 'o1')) as [
      ProcessInstance,
      ProcessInstance,
    ]
    await ports.until(one.tell((state) => entryOf({ what: 'started', pick: 0 }, state, -1)))
    await ports.until(two.load())
    const fire: Tell = (state) => entryOf({ what: 'timer', pick: 0 }, state)
    const both = await ports.until(Promise.all([one.tell(fire), two.tell(fire)]))
    const values = both.map(({ snapshot }) => snapshot?.value)
    expect(values).to.deep.equal(['undoing', 'undoing'])
    const stale: Entry = { type: 'reenact.TimerFired', timer: 'deadline' }
    const { snapshot } = await ports.until(two.tell(() => stale))
    expect(snapshot?.value).to.equal('undoing')
    const { events } = await store.readStream(one.stream)
    const fired = events.filter(({ type }) => type === 'reenact.TimerFired')
    expect(fired, 'the second is kept, and moves nothing').to.have.length(2)
    expect(everythingOf(one.stream, await ports.until(one.load()))).to.deep.equal(
      everythingOf(one.stream, two.state as ProcessState),
    )
  })

  it('replays to the same state and the same owed effects wherever its history stops', async function () {
    this.timeout(60_000 + runs * 200)
    const kinds = new Set<string>()
    let begunLate = 0
    const isBegun = ({ type }: RecordedEvent) => type === 'reenact.StepRequested'
    const property = fc.asyncProperty(
      fc.array(happening, { minLength: 1, maxLength: 25 }),
      fc.constantFrom('started' as const, 'event' as const),
      async (drawn, what) => {
        const last = { what: 'started', pick: 0 } as const
        const happenings = what === 'event' ? [...drawn, last] : drawn
        const { ports, store, deps } = bareLog()
        const open = () => new ProcessInstance(deps, model, 'o1')
        const living = open()
        const { stream } = living
        await living.tell((now, revision) => entryOf({ what, pick: 0 }, now, revision))
        for (const [index, one] of happenings.entries()) {
          if (one.what === 'time') await ports.advance(one.pick * 1_000)
          const state = await living.tell((now) => entryOf(one, now)).catch(() => living.load())
          if (one.pick > 2 && index < happenings.length - 1) continue
          const replayed = await open().load()
          expect(everythingOf(stream, replayed)).to.deep.equal(everythingOf(stream, state))
        }
        const { events } = await store.readStream(stream)
        for (const { type } of events) kinds.add(type)
        const [first, ...others] = events
        if (first?.type === 'reenact.ProcessParked' && others.some(isBegun)) begunLate += 1
      },
    )
    // By chance few cases come to these.
    const all = (...whats: Happening['what'][]) => whats.map((what) => ({ what, pick: 0 }))
    const undone = all('completed', 'cancelled', 'undone', 'completed')
    const examples: [Happening[], 'started' | 'event'][] = [
      [undone, 'started'],
      [all('time'), 'event'],
    ]
    await fc.assert(property, { numRuns: runs, examples })
    expect(begunLate, 'began after they were parked early').to.be.above(0)
    expect([...kinds]).to.include.members([
      'reenact.StepRequested',
      'reenact.StepUndone',
      'reenact.ProcessParked',
      'reenact.ProcessEnded',
    ])
  })
})
