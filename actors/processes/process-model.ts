// What a process manager knows of its machine once it is defined. Internal: users see `ProcessManager`.

import type { Upcasters } from '../../runtime/codec/upcasting.ts'
import { ReenactError } from '../../runtime/core/errors.ts'
import type { Model } from '../model.ts'
import type { ProcessMachine } from './process-machine.ts'

/** Beside a trigger: where it comes from. */
export interface TriggerInfo {
  /** Kind of actor: the aggregate's name. */
  readonly kind: string
  /** Id of the actor. */
  readonly actorId: string
  /** Own time of the event, ms since the epoch. */
  readonly time: number
  /** The conversation it belongs to. */
  readonly correlationId: string | undefined
}

/** One event that starts or feeds processes. */
export interface TriggerModel {
  /** `order.Placed`. */
  readonly event: string
  readonly kind: string
  readonly type: string
  readonly id: (event: { readonly type: string }, info: TriggerInfo) => string
  readonly starts: boolean
  /** It is held where the process has not begun. */
  readonly early: boolean
}

/** Everything the runtime needs, without type parameters. */
export interface ProcessModel {
  readonly name: string
  /** Version of the machine that new processes run. */
  readonly version: number
  /** Machines by version. */
  readonly machines: ReadonlyMap<number, ProcessMachine>
  /** How its own events are read, by the names found in the log; `null` for those passed over. */
  readonly events: Upcasters
  /** Aggregates that its steps send commands to. */
  readonly models: ReadonlySet<Model>
  readonly triggers: ReadonlyMap<string, TriggerModel>
  readonly deadlineMs: number
  /** By kind of actor; empty before a runtime knows the process. */
  readonly upcasters: ReadonlyMap<string, Upcasters>
}

/** The machine that a process began with. Throws `NewerSchema`, `NonDeterministic` where this code does not have it. */
export function machineOf(model: ProcessModel, id: string, version: number): ProcessMachine {
  const machine = model.machines.get(version)
  if (machine) return machine
  const { name, version: known } = model
  const began = `Process '${id}' of ${name} began with version ${version} of its machine`
  if (version > known) {
    throw new ReenactError(
      'NewerSchema',
      `${began}; this code knows up to ${known}. Deploy the newer code here.`,
      { stream: `${name}-${id}`, revision: 0, type: 'reenact.Triggered', found: version, known },
    )
  }
  throw new ReenactError(
    'NonDeterministic',
    `${began}, which is gone. Keep it in 'earlier' of the process until the last of these has ended.`,
    { process: name, id, revision: 0 },
  )
}
