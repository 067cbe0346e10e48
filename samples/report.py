"""Reads today's reports. Knows an address and no credential."""
import os
import urllib.error
import urllib.request

base = os.environ["REPORTS_BASE_URL"]
print("GET /today:", urllib.request.urlopen(base + "/today").read().decode())
print("credentials in my environment:", [name for name in os.environ if "SECRET" in name or "TOKEN" in name or "CARACAL" in name])
try:
    urllib.request.urlopen("http://elsewhere.example/")
except urllib.error.HTTPError as refused:
    print("GET http://elsewhere.example/:", refused.code)
