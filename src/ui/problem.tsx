// What went wrong, and what the reader can do about it.

import type { ApiError } from './api.ts';
import { linkTo } from './state.ts';

export function Problem({ error, retry }: { error: ApiError | undefined; retry?: () => void }) {
  const kind = error?.kind ?? 'refused';
  return (
    <div class="note" role="alert" data-problem={kind}>
      <span>
        {kind === 'gone' ? (
          <>
            <b>The collector does not answer.</b> It ends with the program; <code>whywait view</code> opens the run
            again.
          </>
        ) : kind === 'missing' ? (
          <>
            <b>It is not there.</b> {error?.message} It may have been removed, or is not stored yet.
          </>
        ) : (
          <>
            <b>The collector could not answer.</b> {error?.message}
          </>
        )}
      </span>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
      {kind === 'missing' && <a {...linkTo({ view: 'overview', run: '', sort: '', find: '' })}>Back to the run</a>}
    </div>
  );
}
