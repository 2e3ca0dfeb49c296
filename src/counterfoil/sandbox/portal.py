"""What a developer does in Xero's portal: registers apps and sets their webhooks. The handlers behind `control`'s routes."""

from aiohttp import web

from counterfoil.sandbox import app_store, control_forms, registering
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.webhooks import subscriptions
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

WAIT_MAX_S = 60


class Portal:
    """The handlers over one world; each raises Refusal for what cannot be."""

    def __init__(self, world: World, hooks: Sender) -> None:
        self._world = world
        self._hooks = hooks

    def begin_webhooks(self) -> None:
        """Subscribe the address of --webhook-url, unless a state file has it already."""
        url = self._world.options.webhook_url
        if url is not None and all(row["url"] != url for row in self._world.webhooks):
            subscriptions.subscribed(self._world, {"url": url})
            self._hooks.wake()

    async def webhooks(self, request: web.Request) -> Answer:
        """`after`: deliveries after this number; `wait_s`: first wait until nothing is due."""
        after, wait_s = request.query.get("after", "0"), request.query.get("wait_s", "0")
        if not after.isdecimal() or not wait_s.isdecimal() or int(wait_s) > WAIT_MAX_S:
            control_forms.bad(f"after is a number, wait_s is 0 to {WAIT_MAX_S}")
        settled = await self._hooks.settled(int(wait_s))
        rows = [subscriptions.shown(self._world, row) for row in self._world.webhooks]
        return control_forms.answered(
            {"settled": settled, "subscriptions": rows, "deliveries": self._hooks.after(int(after))}
        )

    async def set_webhooks(self, request: web.Request) -> Answer:
        """POST: subscribe, change, or enable again."""
        try:
            rows = subscriptions.subscribed(self._world, await control_forms.given(request))
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))
        self._hooks.wake()
        return control_forms.answered({"subscriptions": rows})

    async def no_webhooks(self, _: web.Request) -> Answer:
        """DELETE: none any more."""
        return control_forms.answered({"removed": subscriptions.removed(self._world)})

    async def apps(self, _: web.Request) -> Answer:
        """GET: every app with its secret."""
        return control_forms.answered(registering.listed(self._world))

    async def new_app(self, request: web.Request) -> Answer:
        """POST: register one."""
        try:
            return control_forms.answered(registering.created(self._world, await control_forms.given(request)))
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))

    async def app(self, request: web.Request) -> Answer:
        """POST {client_id}: change one."""
        try:
            row = registering.changed(self._world, request.match_info["client_id"], await control_forms.given(request))
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))
        if row is None:
            raise Refusal(control_forms.answered({"error": "no such app"}, 404))
        return control_forms.answered(row)

    async def subscriptions(self, _: web.Request) -> Answer:
        """GET: who subscribes to which app in the App Store."""
        return control_forms.answered(app_store.listed(self._world))

    async def new_subscription(self, request: web.Request) -> Answer:
        """POST: an organisation buys an app."""
        try:
            return control_forms.answered(app_store.bought(self._world, await control_forms.given(request)))
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))

    async def subscription(self, request: web.Request) -> Answer:
        """POST {id}: it changes its plan, does not pay, or cancels."""
        try:
            row = app_store.changed(self._world, request.match_info["id"], await control_forms.given(request))
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))
        if row is None:
            raise Refusal(control_forms.answered({"error": "no such subscription"}, 404))
        return control_forms.answered(row)
