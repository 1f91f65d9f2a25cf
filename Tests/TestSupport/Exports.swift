// Tests of the upper floors write `import TestSupport`.
@_exported import TensorsTestSupport
