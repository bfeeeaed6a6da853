// The user's program of the attribution bench: functions that each do one operation, in the shapes that programs
// have. `ask(tag)` is a client's promise call, `askBack(tag, callback)` its callback form (null where it has none).
// Every payload carries its true owner: the request and the function.

module.exports = (ask, askBack) => {
  async function awaited(id) {
    const answer = await ask(`own:${id}.awaited:`);
    return answer;
  }

  function returned(id) {
    return ask(`own:${id}.returned:`);
  }

  async function returnedAsync(id) {
    return ask(`own:${id}.returnedAsync:`);
  }

  function promised(id) {
    return new Promise((resolve, reject) => {
      askBack(`own:${id}.promised:`, (error, answer) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });
  }

  function called(id, done) {
    askBack(`own:${id}.called:`, (error) => {
      if (error) return done(error);
      done(null);
    });
  }

  async function caught(id) {
    try {
      await ask(`own:${id}.caught:`);
    } catch {
      await ask(`own:${id}.caught:`);
    }
  }

  async function sequence(id) {
    await awaited(id);
    await returned(id);
    await caught(id);
    await returnedAsync(id);
  }

  async function parallel(id) {
    await Promise.all([awaited(id), returnedAsync(id)]);
    await Promise.all([caught(id), returned(id)]);
  }

  async function callbacks(id) {
    await promised(id);
    await new Promise((resolve, reject) => called(id, (error) => (error ? reject(error) : resolve())));
    await promised(id);
    await awaited(id);
  }

  async function forgotten(id) {
    void ask(`own:${id}.forgotten:`);
  }

  async function watched(id) {
    ask(`own:${id}.watched:`).catch(() => {});
  }

  // Nobody receives what was forgotten: "none" is the honest answer then, another request's id never is.
  async function careless(id) {
    await forgotten(id);
    await awaited(id);
    await watched(id);
    await Promise.race([returned(id), new Promise((resolve) => setTimeout(resolve, 1))]);
  }

  return { sequence, parallel, callbacks, careless };
};
