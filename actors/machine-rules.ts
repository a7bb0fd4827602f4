// The rules for machines, as far as a machine shows them before it runs.
//
// Commands emit, events move. Commands: no target, no assign. Events, entry, exit, always: no emit, no reject.

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { ReenactError } from '../runtime/core/errors.ts'
import { impurityOf } from './machine-text.ts'
import { rejectTag } from './reject.ts'

/** What the rules need to know of an aggregate. */
export interface RuleInput {
  readonly aggregate: string
  readonly machine: AnyStateMachine
  /** Declared event types. */
  readonly events: ReadonlySet<string>
}

/** What a walk over the machine finds. */
export interface MachineFacts {
  /** Command types with a transition of their own. */
  readonly commands: ReadonlySet<string>
  readonly hasWildcard: boolean
}

type ActionKind = 'assign' | 'emit' | 'reject' | 'enqueueActions'

const allowed: ReadonlySet<string> = new Set(['assign', 'emit', 'enqueueActions'])

/** Whether a descriptor takes more than one type. */
export const isWildcard = (descriptor: string | null): boolean =>
  descriptor === '*' || descriptor?.endsWith('.*') === true

/** Whether a wildcard takes a type. */
export const covers = (descriptor: string, type: string): boolean =>
  descriptor === '*' || type === descriptor.slice(0, -2) || type.startsWith(descriptor.slice(0, -1))

/** How messages name a state: its path, or the machine's id for the root. */
export const nodeName = (node: AnyStateNode): string => node.path.join('.') || node.id

/** Checks all rules a definition shows. Throws `InvalidMachine` that names state, type and fix. */
export function checkMachine(input: RuleInput): MachineFacts {
  const commands = new Set<string>()
  const moved = new Set<string>()
  let hasWildcard = false
  const impurity = impurityOf(input.machine.config.context)
  if (impurity) {
    throw broken(input, undefined, undefined, `its context function ${impurity}`, {
      fix: 'begin with a fixed context; let the first event bring what differs',
    })
  }
  for (const node of nodesOf(input.machine.root)) {
    checkNode(input, node)
    checkWildcards(input, node)
    for (const [descriptor, transitions] of node.transitions) {
      const side = sideOf(input, descriptor)
      if (isWildcard(descriptor)) hasWildcard = true
      else if (side === 'command') commands.add(descriptor)
      else moved.add(descriptor)
      for (const transition of transitions) {
        if (side === 'command') checkCommand(input, node, descriptor, transition)
        else checkMover(input, node, descriptor, transition.actions)
        checkGuard(input, node, descriptor, transition.guard)
      }
    }
  }
  for (const type of input.events) {
    if (!moved.has(type)) {
      throw broken(input, undefined, type, `no state has a transition for event '${type}'`, {
        fix: `add 'on: { ${type}: ... }' where it may happen, '{}' if it changes nothing`,
      })
    }
  }
  return { commands, hasWildcard }
}

function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node
  for (const child of Object.values(node.states)) yield* nodesOf(child)
}

/** Internal events of XState such as `xstate.done.state.…` move state like events do. */
const sideOf = ({ events }: RuleInput, descriptor: string): 'command' | 'event' =>
  events.has(descriptor) || descriptor.startsWith('xstate.') ? 'event' : 'command'

function checkNode(input: RuleInput, node: AnyStateNode): void {
  if (node.invoke.length > 0) {
    throw broken(input, node, undefined, "it has 'invoke'", {
      fix: 'let a process manager call others; an aggregate only decides',
    })
  }
  if (node.config.after) {
    throw broken(input, node, undefined, "it has 'after'", {
      fix: 'let a process manager keep time and send a command',
    })
  }
  checkMover(input, node, 'entry', node.entry)
  checkMover(input, node, 'exit', node.exit)
  if (node.type === 'compound') checkMover(input, node, 'initial', node.initial.actions)
  for (const transition of node.always ?? []) {
    checkMover(input, node, 'always', transition.actions)
    checkGuard(input, node, 'always', transition.guard)
  }
}

/** A wildcard answers before the states around it: an event one of them takes would never get there. */
function checkWildcards(input: RuleInput, node: AnyStateNode): void {
  const wildcards = [...node.transitions.keys()].filter(isWildcard)
  if (wildcards.length === 0) return
  for (const type of input.events) {
    const hidden = wildcards.find((descriptor) => covers(descriptor, type))
    if (hidden === undefined || node.transitions.has(type)) continue
    for (let outer = node.parent; outer; outer = outer.parent) {
      if (!outer.transitions.has(type)) continue
      const place = nodeName(outer)
      throw broken(input, node, type, `'${hidden}' hides event '${type}' from '${place}'`, {
        fix: `move '${hidden}' to '${place}', or name the commands it stands for`,
      })
    }
  }
}

function checkCommand(
  input: RuleInput,
  node: AnyStateNode,
  type: string,
  transition: AnyTransitionDefinition,
): void {
  const kinds = transition.actions.map((action) => kindOf(input, node, type, action))
  if (kinds.includes('assign')) {
    throw broken(input, node, type, `command '${type}' assigns context`, {
      fix: `emit an event and assign on that event${orDeclare(type)}`,
    })
  }
  if (kinds.includes('emit') && kinds.includes('reject')) {
    throw broken(input, node, type, `command '${type}' both emits and rejects`, {
      fix: 'split it into two guarded transitions',
    })
  }
  const staysPut = transition.target?.every((target) => target === node && node.type === 'atomic')
  if (transition.target && !staysPut) {
    throw broken(input, node, type, `command '${type}' has a target`, {
      fix: `emit an event and give the target to that event${orDeclare(type)}`,
    })
  }
}

/** What is not declared counts as a command: perhaps it was only forgotten. */
const orDeclare = (type: string): string =>
  isWildcard(type) ? '' : `; if '${type}' is one, add it to 'events'`

/** Actions that run while events move state: assign only. */
function checkMover(
  input: RuleInput,
  node: AnyStateNode,
  type: string,
  actions: readonly unknown[],
): void {
  for (const action of actions) {
    const kind = kindOf(input, node, type, action)
    if (kind === 'emit' || kind === 'reject') {
      throw broken(input, node, type, `'${type}' has the action '${kind}'`, {
        fix: `only a command may ${kind}; here only assign`,
      })
    }
  }
}

function checkGuard(input: RuleInput, node: AnyStateNode, type: string, guard: unknown): void {
  if (guard === undefined) return
  const name = typeof guard === 'string' ? guard : (guard as { type?: string }).type
  const fn = typeof guard === 'function' ? guard : input.machine.implementations.guards[name ?? '']
  if (!fn) {
    throw broken(input, node, type, `guard '${name}' is not implemented`, {
      fix: `add it to setup({ guards }) or provide({ guards })`,
    })
  }
  const inner = (fn as { guards?: readonly unknown[] }).guards
  if (inner) for (const one of inner) checkGuard(input, node, type, one)
  checkPure(input, node, type, 'guard', fn)
}

function kindOf(input: RuleInput, node: AnyStateNode, type: string, action: unknown): ActionKind {
  const name = typeof action === 'string' ? action : (action as { type?: string }).type
  const fn =
    typeof action === 'function' ? action : input.machine.implementations.actions[name ?? '']
  if (!fn) {
    throw broken(input, node, type, `action '${name}' is not implemented`, {
      fix: 'add it to setup({ actions }) or provide({ actions })',
    })
  }
  if (rejectTag(fn)) return 'reject'
  const builtin = fn as { type?: string; resolve?: unknown; event?: unknown }
  const kind = builtin.resolve ? (builtin.type ?? '').replace(/^xstate\./, '') : undefined
  if (kind === undefined || !allowed.has(kind)) {
    throw broken(
      input,
      node,
      type,
      `'${type}' has the action '${kind ?? name ?? 'inline function'}'`,
      {
        fix: 'use only assign, emit, reject and enqueueActions of these; leave effects to process managers and projections',
      },
    )
  }
  checkPure(input, node, type, kind, fn)
  const emitted = (builtin.event as { type?: string } | undefined)?.type
  if (kind === 'emit' && emitted !== undefined && !input.events.has(emitted)) {
    throw broken(input, node, type, `'${type}' emits '${emitted}', which is not declared`, {
      fix: `add '${emitted}' to 'events'`,
    })
  }
  return kind as ActionKind
}

/** The functions a user wrote, wherever XState hangs them. */
function checkPure(
  input: RuleInput,
  node: AnyStateNode,
  type: string,
  kind: string,
  fn: object,
): void {
  const { assignment, event, collect } = fn as Record<string, unknown>
  const written = [assignment, event, collect]
  if (typeof assignment === 'object' && assignment) written.push(...Object.values(assignment))
  if (kind === 'guard') written.push(fn)
  for (const one of written) {
    const impurity = impurityOf(one)
    if (!impurity) continue
    throw broken(input, node, type, `a function of '${kind}' on '${type}' ${impurity}`, {
      fix: 'put what it needs into the command: the sender may read clocks and make ids',
    })
  }
}

function broken(
  input: RuleInput,
  node: AnyStateNode | undefined,
  type: string | undefined,
  what: string,
  { fix }: { fix: string },
): ReenactError {
  const state = node ? nodeName(node) : undefined
  const place = state === undefined ? '' : ` in state '${state}'`
  return new ReenactError(
    'InvalidMachine',
    `The machine of '${input.aggregate}' cannot be an aggregate${place}: ${what}. To mend it: ${fix}.`,
    {
      aggregate: input.aggregate,
      ...(state === undefined ? {} : { state }),
      ...(type === undefined ? {} : { type }),
      fix,
    },
  )
}
