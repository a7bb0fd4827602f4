// What users and the runtime take from the actors.

export type { Accepted, Answer, Rejected, SendResult } from './actor.ts'
export { Actor } from './actor.ts'
export type { ActorLimits } from './actor-deps.ts'
export {
  type Aggregate,
  type AggregateOptions,
  aggregate,
  type EventDefinition,
  modelOf,
} from './aggregate.ts'
export type { Permission } from './can.ts'
export type { ActorChange } from './changes.ts'
export type { SendOptions } from './command.ts'
export { CommandBus, type WorkOptions } from './command-bus.ts'
export type { DeadLetterPreview } from './dead-letter-preview.ts'
export type { DeadLetter, DeadLetterFilter, DeadLetters } from './dead-letters.ts'
export type { Refusal } from './decide.ts'
export type { Change } from './difference.ts'
export { Directory } from './directory.ts'
export type { FailureClass, FailureRecord, RetryPolicies } from './failure.ts'
export { type Metrics, zeroMetrics } from './metrics.ts'
export type { Moment } from './moment.ts'
export type { Act, ParkedCommand } from './parked-commands.ts'
export type { OutcomeOptions, Posted, PostItem, PostOptions } from './post.ts'
export { type RejectAction, type RejectArgs, reject } from './reject.ts'
export { type ReplayedActor, replayAll } from './replay-all.ts'
export type { Schema } from './schema.ts'
export type { Difference, TimelineEntry } from './timeline.ts'
export type {
  ActorEvent,
  ActorState,
  AnyAggregate,
  CommandOf,
  ContextOf,
  EventOf,
} from './types.ts'
export type { Verification } from './verify.ts'
export type { Worker } from './worker.ts'
export type { WorkerMetrics } from './worker-metrics.ts'
