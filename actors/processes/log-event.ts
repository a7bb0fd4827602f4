// Events of aggregates as processes and reactions read them from the log.

import { readMetadata } from '../../runtime/codec/metadata.ts'
import { readTyped, type Upcasters } from '../../runtime/codec/upcasting.ts'
import { categoryOf, idOf } from '../../runtime/core/stream-name.ts'
import type { RecordedEvent } from '../../runtime/ports/event-store.ts'
import type { Model } from '../model.ts'
import type { TriggerInfo } from './process-model.ts'

const noRules: Upcasters = new Map()

/** An event in today's shape and what stands beside it; `undefined` for one of an ignored type. */
export function readLogEvent(models: ReadonlyMap<string, Model>, recorded: RecordedEvent) {
  const kind = categoryOf(recorded.stream)
  const header = readMetadata(recorded)
  const event = readTyped(models.get(kind)?.upcasters ?? noRules, recorded, header)
  if (!event) return undefined
  const { time = recorded.recordedAt, $correlationId: correlationId } = header
  const info: TriggerInfo = { kind, actorId: idOf(recorded.stream), time, correlationId }
  return { event, info }
}

/** All names that an event type ever had. */
export const namesOf = (model: Model | undefined, type: string): readonly string[] => {
  const older = [...(model?.upcasters ?? [])].filter(([, rule]) => rule?.type === type)
  return [type, ...older.map(([name]) => name)]
}
