// The keyboard and clicks of the page of `ecsmpi view`, told to the server.
(() => {
  const KEYS = new Set([" ", "ArrowLeft", "ArrowRight", "Home", "End", "c", "r", "x", "y", "z"]);
  const STILL = 4; // pixels that a click may move; more turns the scene

  function tell(name, values) {
    window.trame.trigger(name, values);
  }

  function isTyping(target) {
    return target.closest("input:not([type=checkbox]):not([type=range]), textarea, [role=listbox]");
  }

  window.addEventListener(
    "keydown",
    (event) => {
      if (!KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      tell("key", [event.key]);
    },
    true
  );

  let pressed = null;
  window.addEventListener(
    "pointerdown",
    (event) => {
      const picture = event.target.closest(".picture");
      pressed = picture && event.button === 0 ? [event.clientX, event.clientY] : null;
    },
    true
  );
  window.addEventListener(
    "pointerup",
    (event) => {
      if (!pressed) return;
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      pressed = null;
      if (moved > STILL) return;
      const edges = document.querySelector(".picture").getBoundingClientRect();
      const across = (event.clientX - edges.left) / edges.width;
      const down = (event.clientY - edges.top) / edges.height;
      if (across >= 0 && across <= 1 && down >= 0 && down <= 1) tell("pick", [across, down]);
    },
    true
  );
})();
