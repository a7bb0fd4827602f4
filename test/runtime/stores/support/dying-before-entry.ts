// The storage thread that dies before it wrote its second transaction.

import { dieWith } from './dying-thread.ts'

dieWith('before')
