#!/usr/bin/env node
/** The executable `ipfs-kit-journal`. */
import { runExecutable } from '@ipfs-kit/operations/cli'
import { runCommandLine } from './cli-program.ts'

await runExecutable(new URL('../package.json', import.meta.url), (commandLine) =>
  runCommandLine({ ...commandLine, home: process.env['IPFS_KIT_HOME'] }),
)
