// Which transitions may answer in a configuration: XState's order, found once for each configuration and type.

import type { AnyStateNode, AnyTransitionDefinition, EventObject, StateValue } from 'xstate'
import type { Candidate, Choice, Configuration, Entry } from './compiled-configuration.ts'
import type { Guard, Place } from './compiled-guards.ts'

/** The guard of each transition of a machine that has one. */
export type Guards = ReadonlyMap<AnyTransitionDefinition, Guard>

/** Candidates of one entry: a transition has one, however many leaves lead to it. */
class Candidates {
  readonly #guards: Guards
  readonly #known = new Map<AnyTransitionDefinition, Candidate>()

  constructor(guards: Guards) {
    this.#guards = guards
  }

  of(transitions: readonly AnyTransitionDefinition[]): readonly Candidate[] {
    return transitions.map((transition) => {
      const known = this.#known.get(transition)
      if (known) return known
      const guard = this.#guards.get(transition)
      const candidate = { transition, guard, index: this.#known.size, plan: undefined }
      this.#known.set(transition, candidate)
      return candidate
    })
  }
}

/** Who may answer to an event. */
export function entryFor(
  configuration: Configuration,
  type: string,
  { guards, hasSteps }: { readonly guards: Guards; readonly hasSteps: boolean },
): Entry {
  const candidates = new Candidates(guards)
  const { root } = configuration.machine
  const choices = [choiceOf(candidates, root, configuration.value, type)]
  // XState gives its own types a meaning beside that of the machine, and may refuse the wildcard as a type.
  const foreign = typeof type !== 'string' || type === '*' || isReserved(type, hasSteps)
  return { type, foreign, choices, line: lineOf(choices), plans: { plan: undefined, next: [] } }
}

/** Outcomes of steps and timers are events like any other to a machine that has them. */
const isReserved = (type: string, hasSteps: boolean): boolean =>
  type.startsWith('xstate.') && !(hasSteps && /^xstate\.((done|error)\.actor|after)\./.test(type))

/** Who may move without an event: leaf by leaf, innermost first. */
export function alwaysFor(configuration: Configuration, guards: Guards): Entry {
  const candidates = new Candidates(guards)
  const leaves = configuration.nodes.filter(({ type }) => type === 'atomic' || type === 'final')
  const choices: Choice[] = []
  for (const leaf of leaves) {
    const own: Candidate[] = []
    for (let node: AnyStateNode | undefined = leaf; node; node = node.parent) {
      own.push(...candidates.of(node.always ?? []))
    }
    if (own.length > 0) choices.push({ inner: [], own })
  }
  const plans = { plan: undefined, next: [] }
  return { type: undefined, foreign: false, choices, line: lineOf(choices), plans }
}

/** The first whose guard passes. */
export function first(
  candidates: readonly Candidate[],
  context: object,
  event: EventObject,
  place: Place,
): Candidate | undefined {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate
    if (!candidate.guard || candidate.guard(context, event, place)) return candidate
  }
  return undefined
}

/** All that answer. What several leaves share without an event may come more than once. */
export function pick(
  choice: Choice,
  context: object,
  event: EventObject,
  place: Place,
  picked: Candidate[],
): boolean {
  let inside = false
  for (const inner of choice.inner) if (pick(inner, context, event, place, picked)) inside = true
  if (inside) return true
  const own = first(choice.own, context, event, place)
  if (!own) return false
  picked.push(own)
  return true
}

function choiceOf(
  candidates: Candidates,
  node: AnyStateNode,
  value: StateValue,
  type: string,
): Choice {
  const inside: readonly (readonly [string, StateValue | undefined])[] =
    typeof value === 'string' ? [[value, {}]] : Object.entries(value)
  const inner = inside
    .map(([key, below]) =>
      choiceOf(candidates, node.states[key] as AnyStateNode, below ?? {}, type),
    )
    .filter((choice) => choice.inner.length + choice.own.length > 0)
  const own = candidates.of(transitionsFor(node, type))
  const [only] = inner
  // One region that answers before its parent is a line like any other.
  return only && inner.length === 1
    ? { inner: only.inner, own: [...only.own, ...own] }
    : { inner, own }
}

function lineOf(choices: readonly Choice[]): readonly Candidate[] | undefined {
  const [only] = choices
  if (!only) return []
  return choices.length === 1 && only.inner.length === 0 ? only.own : undefined
}

/** Exact type first, then wildcards, the longest first. */
function transitionsFor(node: AnyStateNode, type: string): readonly AnyTransitionDefinition[] {
  const wild = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && takes(descriptor, type))
    .sort((a, b) => b.length - a.length)
  return [type, ...wild].flatMap((descriptor) => node.transitions.get(descriptor) ?? [])
}

/** `a.*` takes `a` and all that begins with `a.`; a star anywhere else takes nothing. */
function takes(descriptor: string, type: string): boolean {
  if (descriptor === '*') return true
  if (!descriptor.endsWith('.*')) return false
  const tokens = descriptor.split('.')
  const received = type.split('.')
  for (const [at, token] of tokens.entries()) {
    if (token === '*') return at === tokens.length - 1
    if (token !== received[at]) return false
  }
  return true
}
