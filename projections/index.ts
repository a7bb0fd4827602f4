// What users and the runtime take from the projections.

export { type LogEvent, type LogOptions, logEvents } from './log-events.ts'
