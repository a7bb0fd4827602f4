// What users and the runtime take from the projections.

export type { Build } from './catalog.ts'
export type { RowDifference } from './compare-builds.ts'
export type { FieldOf, FindOptions, Range, Where } from './document-query.ts'
export type { Documents } from './document-writer.ts'
export {
  type DocumentsOptions,
  type DocumentsReader,
  documents,
  type Found,
} from './documents.ts'
export type { Engine } from './engine.ts'
export type {
  EventInfo,
  EventsFrom,
  Handler,
  Handlers,
  HandlersFrom,
  Source,
} from './event-types.ts'
export {
  type InlineDocuments,
  type InlineOptions,
  type InlineProjection,
  type InlineReader,
  type InlineShape,
  inlineDocuments,
  inlineProjection,
  inlineReader,
  startInline,
} from './inline.ts'
export type { ParkedEvent } from './ledger.ts'
export { type LogEvent, type LogOptions, logEvents } from './log-events.ts'
export type { ProjectOptions, RebuildOptions } from './project-options.ts'
export {
  type AnyProjection,
  onlyLive,
  type Projection,
  type ProjectionOptions,
  projection,
} from './projection.ts'
export { Projections } from './projections.ts'
export type { BuildProgress, CatchUpOptions, Shadow } from './shadow.ts'
export { type SinkTarget, type SinkView, type SinkWrite, sink } from './sink.ts'
export type { Lag, ProjectionStatus } from './status.ts'
export type { View } from './view.ts'
export type { PastView, ViewChange, ViewHandle, WaitOptions } from './view-handle.ts'
export type { ProjectionsDeps } from './worker-deps.ts'
export type { WorkerError, WorkerOptions, WorkerState } from './worker-options.ts'
