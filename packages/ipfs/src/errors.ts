/** The error class of this package and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const ipfsErrors = {
  IPFS_INVALID_CID: {
    kind: 'invalid',
    when: 'a CID cannot be parsed',
    next: 'Give a CID such as bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e.',
  },
  IPFS_INVALID_PATH: {
    kind: 'invalid',
    when: 'a content path or a file name has a NUL, a lone surrogate, an empty, a `.` or a `..` name, or is too long',
    next: 'Give <cid>/name/name, without . and .. and without leading slash in file names.',
  },
  IPFS_BLOCK_NOT_FOUND: {
    kind: 'not-found',
    when: 'a block is not in the local store and the network is off',
    next: 'Check the CID, or add or import the content first.',
  },
  IPFS_PATH_NOT_FOUND: {
    kind: 'not-found',
    when: 'a name of the path does not exist in the DAG',
    next: 'List the folder that the message names.',
  },
  IPFS_NOT_A_FILE: {
    kind: 'invalid',
    when: 'a file is asked for and the path leads to a folder or to a node of another kind',
    next: 'List it with ls, archive it with get, or read it with dag get.',
  },
  IPFS_NOT_A_DIRECTORY: {
    kind: 'invalid',
    when: 'a folder is asked for and the path leads to something else',
    next: 'Read it with cat or dag get.',
  },
  IPFS_RANGE: {
    kind: 'range',
    when: 'a byte range starts beyond the end of the file',
    next: 'Ask for a range within the size that the message names.',
  },
  IPFS_BLOCK_CORRUPT: {
    kind: 'integrity',
    when: 'the stored bytes of a block do not match its CID',
    next: 'Add or import the content again: the block is then written anew.',
  },
  IPFS_BLOCK_MISMATCH: {
    kind: 'corrupt-input',
    when: 'the bytes given for a block do not match the CID given',
    next: 'Fetch the content again from its source.',
  },
  IPFS_BLOCK_TOO_LARGE: {
    kind: 'too-large',
    when: 'a block is larger than maxBlockBytes',
    next: 'Split the data, or add it as a file.',
  },
  IPFS_UNKNOWN_CODEC: {
    kind: 'invalid',
    when: 'a codec is not one of dag-pb, raw, dag-cbor, dag-json',
    next: 'Use one of the known codecs, or handle the block as bytes.',
  },
  IPFS_UNKNOWN_HASH: {
    kind: 'invalid',
    when: 'a CID uses a hash function other than sha2-256, sha2-512 or identity, so that its bytes cannot be verified',
    next: 'Use content that was hashed with a known function.',
  },
  IPFS_INVALID_NODE: {
    kind: 'invalid',
    when: 'a block does not decode with its codec, or a value cannot be encoded',
    next: 'Check the data, or read the block as bytes.',
  },
  IPFS_NOTHING_ADDED: {
    kind: 'invalid',
    when: 'an add got no file and no folder at all',
    next: 'Give at least one file or folder.',
  },
  IPFS_CAR_INVALID: {
    kind: 'corrupt-input',
    when: 'a CAR is truncated, is not a CAR, holds a block that does not match its CID, or lacks blocks of a root',
    next: 'Get the archive again; nothing of this one was pinned.',
  },
  IPFS_PIN_NOT_FOUND: {
    kind: 'not-found',
    when: 'a CID is not the root of a pin',
    next: 'List the pins.',
  },
  IPFS_DAG_TOO_LARGE: {
    kind: 'too-large',
    when: 'a DAG has more blocks or levels than one walk visits, or a file that is changed more leaves than one change gathers',
    next: 'Pin or check its parts instead, or with a depth; keep the bytes in several files.',
  },
  IPFS_GC_INCOMPLETE: {
    kind: 'integrity',
    when: 'a pinned DAG lacks a block that has links, so that garbage collection cannot know what lies behind it; nothing was removed',
    next: 'Add or import the missing block, or remove the pin that the message names.',
  },
  IPFS_NOT_MIGRATED: {
    kind: 'conflict',
    when: 'garbage is to be collected, and the move of the blocks of an older version into packs is paused, or has stopped before its end for another reason than lack of room',
    next: 'See why in the status of the node; resume the move, or remove the cause and open the node again.',
  },
  IPFS_STORE_FULL: {
    kind: 'full',
    when: 'a block does not fit: maxBytes is reached by what is pinned, or the volume has no room',
    next: 'Remove pins and collect garbage, raise maxBytes, or free room on the volume.',
  },
  IPFS_STORE_FAILED: {
    kind: 'internal',
    when: 'the disk refused to read or write, or the pins were written by a newer version',
    next: 'Look at the cause in the log of the process.',
  },
  IPFS_CLOSED: {
    kind: 'temporary',
    when: 'the node was closed before or during the call',
    next: 'Call again when the node is open.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link IpfsError}. */
export type IpfsErrorCode = keyof typeof ipfsErrors

/** What every call of this package rejects with, except for bad arguments (TypeError, RangeError) and aborts (the signal's reason). */
export class IpfsError extends Error implements Fault {
  override readonly name = 'IpfsError'
  readonly code: IpfsErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: IpfsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = ipfsErrors[code].kind
    this.next = ipfsErrors[code].next
  }
}
