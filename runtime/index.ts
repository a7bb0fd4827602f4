// Everything a user imports from 'reenact'.

export {
  type Accepted,
  Actor,
  type ActorChange,
  type ActorEvent,
  type ActorLimits,
  type ActorState,
  type Aggregate,
  type AggregateOptions,
  type Answer,
  type AnyAggregate,
  aggregate,
  type Change,
  type CommandOf,
  type ContextOf,
  type Difference,
  type EventDefinition,
  type EventOf,
  type Metrics,
  type Moment,
  type NoEffectRecord,
  type Permission,
  type Refusal,
  type RejectAction,
  type RejectArgs,
  type Rejected,
  type RejectedRecord,
  type ReplayedActor,
  type RuntimeRecord,
  reject,
  type Schema,
  type SendOptions,
  type SendResult,
  type TimelineEntry,
  type Verification,
} from '../actors/index.ts'
export type { LogEvent, LogOptions } from '../projections/index.ts'
export type { Json, JsonObject } from './codec/codec.ts'
export type { Upcaster } from './codec/upcasting.ts'
export type { Clock, Ports, Random, Timers } from './core/clock.ts'
export { type ErrorCode, type ErrorDetails, isReenactError, ReenactError } from './core/errors.ts'
export type { ExpectedRevision } from './core/expected-revision.ts'
export type { TimeInput } from './core/time.ts'
export { createRuntime, type Runtime, type RuntimeOptions } from './host/create-runtime.ts'
export type * from './ports/consumer-groups.ts'
export type * from './ports/event-store.ts'
export type { StateEntry, StateStore } from './ports/state-store.ts'
export { createMemoryStore } from './stores/memory/memory-store.ts'
