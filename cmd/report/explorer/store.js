/* The one state of the page, and who is told when it changes. What the address holds is of
 * address.js; beside it here are the images that are selected and the list that is shown. */
const Store = (() => {
    const listeners = new Set();
    let state = { selected: new Set(), list: new Int32Array(0) };

    return {
        get: () => state,
        /* Changes some values; `how.quiet`: the address is to be replaced, as while dragging. */
        set(values, how = {}) {
            const before = state;
            state = { ...state, ...values };
            for (const l of [...listeners])
                l(state, before, how);
        },
        listen(l) {
            listeners.add(l);
            return () => listeners.delete(l);
        },
    };
})();
