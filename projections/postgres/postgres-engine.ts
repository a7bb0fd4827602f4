import type { Timers } from '../../runtime/core/clock.ts'
import type { Engine } from '../engine.ts'
export function openPostgresEngine(_: { address: string; timers: Timers }): Promise<Engine> {
  throw new Error('later')
}
