"""A stepper in a browser, without a network: what the tests of the page click and read."""

import re


class Page:
    """A page without network, and its n-th stepper."""

    def __init__(self, browser, path, **options):
        self.errors = []
        context = browser.new_context(offline=True, **options)
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"file://{path}", wait_until="load")
        self.page.wait_for_selector(".needle-stepper .stepper")
        self.use(0)

    def use(self, number):
        self.box = self.page.locator(".needle-stepper").nth(number)
        return self

    def click(self, name, times=1):
        for _ in range(times):
            self.box.locator(f"button.{name}").click()

    def go(self, number):
        """To step `number`, as the page counts."""
        self.box.locator(".slider").fill(str(number - 1))

    def text(self, selector):
        return self.box.locator(selector).inner_text()

    def step(self):
        return int(re.search(r"step (\d+)", self.text(".count"))[1])

    def card(self, k, row):
        return self.box.locator(f'[data-node="{k}"] .ndl-{row} .ndl-number').text_content()
