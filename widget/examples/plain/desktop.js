// Who the agent is comes from the desktop's own session; what happens on the element changes the desktop.
const journey = document.querySelector("customer-journey");
const call = document.querySelector("#call");

journey.addEventListener("pop", ({ detail }) => {
  call.textContent = `Call ${detail.call.callId}`;
});
journey.addEventListener("call-ended", () => {
  call.textContent = "No call";
});

const session = await fetch("/session");
const { agent } = await session.json();
journey.agent = agent;
