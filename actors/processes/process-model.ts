// What a process manager knows of its machine once it is defined. Internal: users see `ProcessManager`.

import type { Upcasters } from '../../runtime/codec/upcasting.ts'
import type { Model } from '../model.ts'
import type { ProcessMachine } from './process-machine.ts'

/** Beside a trigger: where it comes from. */
export interface TriggerInfo {
  /** Kind of actor: the aggregate's name. */
  readonly kind: string
  readonly actorId: string
  /** Own time of the event, ms since the epoch. */
  readonly time: number
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
}

/** Everything the runtime needs, without type parameters. */
export interface ProcessModel {
  readonly name: string
  readonly machine: ProcessMachine
  /** Aggregates that its steps send commands to. */
  readonly models: ReadonlySet<Model>
  readonly triggers: ReadonlyMap<string, TriggerModel>
  readonly deadlineMs: number
  /** By kind of actor; empty before a runtime knows the process. */
  readonly upcasters: ReadonlyMap<string, Upcasters>
}
