#!/usr/bin/env node
/** The executable `ipfs-kit-cache`. */
import { runExecutable } from '@ipfs-kit/operations/cli'
import { runCommandLine } from './cli-program.ts'

await runExecutable(new URL('../package.json', import.meta.url), runCommandLine)
