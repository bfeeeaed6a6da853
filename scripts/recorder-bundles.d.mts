/** Builds the recorder's files into `outdir`, relative to the project's directory. */
export function buildRecorder(outdir: string): Promise<void>;
