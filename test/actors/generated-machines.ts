// Machines made at random: every way of moving, guarding and acting that a compiled machine claims to know, and
// some that it leaves to XState. Loops are bounded: what may repeat itself burns fuel.

import fc from 'fast-check'
import { type AnyStateMachine, and, createMachine } from 'xstate'
import {
  actionOf,
  guardOf,
  guards,
  implemented,
  inert,
  leaving,
  noted,
  type Part,
  part,
  type SentEvent,
} from './generated-parts.ts'

/** A transition before its numbers are read as targets, guards and actions of a machine. */
interface TransitionShape {
  readonly guard: number
  readonly targets: readonly number[]
  readonly style: number
  readonly reenter: boolean
  readonly actions: readonly number[]
}

/** A state before it is one. */
export interface StateShape {
  readonly kind: 'atomic' | 'final' | 'compound' | 'parallel' | 'shallow' | 'deep'
  readonly children: readonly StateShape[]
  readonly initial: number
  readonly named: boolean
  readonly entry: readonly number[]
  readonly exit: readonly number[]
  readonly first: readonly number[]
  readonly on: readonly (readonly [string, readonly TransitionShape[]])[]
  readonly always: readonly TransitionShape[]
  readonly onDone: readonly TransitionShape[]
}

/** Whether a shape has actions that XState has to run. */
export const leaves = (shape: StateShape): boolean =>
  [
    ...shape.entry,
    ...shape.exit,
    ...shape.first,
    ...[...shape.on.flatMap(([, all]) => all), ...shape.always, ...shape.onDone].flatMap(
      ({ actions }) => actions,
    ),
  ].some((action) => leaving.has(action)) || shape.children.some(leaves)

/** Makes the machine of a shape. */
export function machineOf(shape: StateShape): AnyStateMachine {
  const ids: string[] = []
  const name = (state: StateShape, path: string): void => {
    ids.push(state.named && path !== 'm' ? `id${ids.length}` : path)
    for (const [at, child] of state.children.entries()) name(child, `${path}.s${at}`)
  }
  name(shape, 'm')
  const idAt = (index: number): string => ids[index % ids.length] as string
  const config = stateOf(shape, 'm', ids, idAt, { next: 0 })
  return createMachine(
    { ...(config as object), context: { a: 0, b: 0, fuel: 12, log: [] } } as Part,
    { actions: implemented, guards } as Part,
  ) as AnyStateMachine
}

function stateOf(
  shape: StateShape,
  key: string,
  ids: readonly string[],
  idAt: (index: number) => string,
  count: { next: number },
): object {
  const id = ids[count.next] as string
  count.next += 1
  const isHistory = shape.kind === 'shallow' || shape.kind === 'deep'
  const actions = (numbers: readonly number[]) => numbers.map((at) => actionOf(at))
  const transition = (one: TransitionShape, from: string, fuelled: boolean, at: number) => {
    const guard = guardOf(one.guard, idAt)
    if (from === 'always' && one.style === 5) {
      // Ends at once without fuel, as it changes nothing.
      return { guard, actions: actions(one.actions.filter((number) => inert.has(number))) }
    }
    const target = targetsOf(one, shape, key, idAt)
    const kept = and(part(guard === undefined ? ['keepFuel'] : ['keepFuel', guard]))
    return {
      ...(target === undefined ? {} : { target }),
      ...(fuelled ? { guard: kept } : guard === undefined ? {} : { guard }),
      ...(one.reenter ? { reenter: true } : {}),
      actions: [
        ...(fuelled ? ['burn'] : []),
        noted(`${id}/${from}[${at}]`),
        ...actions(one.actions),
      ],
    }
  }
  if (isHistory) {
    const sibling = shape.initial > 3 ? {} : { target: `s${shape.initial}` }
    return { id, type: 'history', history: shape.kind, ...(shape.named ? sibling : {}) }
  }
  const states = Object.fromEntries(
    shape.children.map((child, at) => [`s${at}`, stateOf(child, `s${at}`, ids, idAt, count)]),
  )
  const possible = Object.keys(states).filter(
    (one) => (states[one] as { type?: string }).type !== 'history',
  )
  const first = possible[shape.initial % Math.max(1, possible.length)]
  return {
    id,
    entry: [noted(`+${id}`), ...actions(shape.entry)],
    exit: [noted(`-${id}`), ...actions(shape.exit)],
    ...(shape.kind === 'final' || shape.kind === 'parallel' ? { type: shape.kind } : {}),
    ...(shape.children.length > 0 ? { states } : {}),
    ...(shape.kind === 'compound'
      ? {
          initial:
            shape.first.length > 0 ? { target: first, actions: actions(shape.first) } : first,
        }
      : {}),
    on: Object.fromEntries(
      shape.on.map(([type, all]) => [
        type,
        all.length === 0
          ? undefined
          : all.map((one, at) => transition(one, type, type === '*', at)),
      ]),
    ),
    ...(shape.always.length > 0
      ? { always: shape.always.map((one, at) => transition(one, 'always', true, at)) }
      : {}),
    ...(shape.onDone.length > 0
      ? { onDone: shape.onDone.map((one, at) => transition(one, 'done', true, at)) }
      : {}),
  }
}

function targetsOf(
  { targets, style }: TransitionShape,
  shape: StateShape,
  key: string,
  idAt: (index: number) => string,
): string | readonly string[] | undefined {
  const [one] = targets
  if (one === undefined) return undefined
  if (targets.length > 1) return targets.map((at) => `#${idAt(at)}`)
  if (style === 0 && shape.children.length > 0) return `.s${one % shape.children.length}`
  if (style === 1 && key !== 'm') return key
  return `#${idAt(one)}`
}

const some = <T>(value: fc.Arbitrary<T>, maxLength: number, weight = 1): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant([] as T[]) },
    { weight, arbitrary: fc.array(value, { minLength: 1, maxLength }) },
  )

const ordinary = fc.nat({ max: 15 })
const action = fc.oneof(
  { weight: 60, arbitrary: ordinary },
  { weight: 1, arbitrary: fc.integer({ min: 16, max: 20 }) },
)
const guard = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 7, arbitrary: fc.integer({ min: 1, max: 14 }) },
)
// These keep the whole machine with XState: seldom, or nothing else is tried.
const oddAction = fc.oneof(
  { weight: 400, arbitrary: action },
  { weight: 1, arbitrary: fc.integer({ min: 21, max: 22 }) },
)
const oddGuard = fc.oneof(
  { weight: 400, arbitrary: guard },
  { weight: 1, arbitrary: fc.constant(15) },
)

const transitionShape: fc.Arbitrary<TransitionShape> = fc.record({
  guard: oddGuard,
  targets: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 6, arbitrary: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(fc.nat({ max: 40 }), { minLength: 2, maxLength: 3 }) },
  ),
  style: fc.nat({ max: 5 }),
  reenter: fc.boolean(),
  actions: some(oddAction, 2),
})

const descriptors = ['a', 'b', 'c', 'a.x', 'a.*', 'a.x.*', 'a.*.*', '*.x.*', '*'] as const

function stateShape(depth: number): fc.Arbitrary<StateShape> {
  const leaf = fc.constantFrom(
    'atomic',
    'atomic',
    'atomic',
    'atomic',
    'atomic',
    'final',
    'final',
    'shallow',
    'deep',
  )
  const inner = fc.constantFrom('compound', 'parallel', 'compound')
  const kind: fc.Arbitrary<StateShape['kind']> =
    depth === 3
      ? inner
      : depth === 0
        ? leaf
        : fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: inner })
  return kind.chain((chosen) => {
    const isInner = chosen === 'compound' || chosen === 'parallel'
    return fc.record({
      kind: fc.constant(chosen),
      children: isInner
        ? fc
            .array(stateShape(depth - 1), { minLength: 1, maxLength: 3 })
            .map((all) => (all.every(isHistory) ? [...all, idle] : all))
        : fc.constant([]),
      initial: fc.nat({ max: 5 }),
      named: fc.boolean(),
      entry: some(oddAction, 2),
      exit: some(oddAction, 2),
      first: isInner ? some(oddAction, 1) : fc.constant([]),
      on: fc.uniqueArray(
        fc.tuple(fc.constantFrom(...descriptors), fc.array(transitionShape, { maxLength: 3 })),
        { maxLength: 4, selector: ([type]) => type },
      ),
      always: some(transitionShape, 2),
      onDone: isInner ? some(transitionShape, 2, 3) : fc.constant([]),
    })
  })
}

const isHistory = ({ kind }: StateShape): boolean => kind === 'shallow' || kind === 'deep'

const idle: StateShape = {
  kind: 'atomic',
  children: [],
  initial: 0,
  named: false,
  entry: [],
  exit: [],
  first: [],
  on: [],
  always: [],
  onDone: [],
}

/** Machines of three levels at most. */
export const anyShape: fc.Arbitrary<StateShape> = stateShape(3)

/** Events for them, a few of which XState takes for its own. */
export const anyEvent: fc.Arbitrary<SentEvent> = fc.record({
  type: fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom('a', 'b', 'c', 'a.x', 'a.x.y', 'a.y', 'other') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '*',
        'xstate.done.state.m.s0',
        'xstate.error.actor.z',
        'xstate.init',
      ),
    },
  ),
  n: fc.nat({ max: 6 }),
})
