using System.Text.Json.Nodes;
using Caracal.Evidence.Rotations;

namespace Caracal.Evidence.Tests.Rotations;

public sealed class RotationLineTests
{
    [Fact]
    [Trait("requirement", "R19")]
    public void Makes_the_line_of_the_specifications_vector()
    {
        var line = RotationLine.Of(1, "",
        [
            new("id", "rot_01"), new("class", "streams-hmac"), new("event", "prepared"), new("actor", "ops@example.com"), new("scope", null),
            new("at", "2026-01-02T03:04:05.000Z"), new("from", "sid_1111111111111111"), new("to", "sid_2222222222222222"),
            new("location", "file:/s/streamsHmacKey.next"), new("reason", "scheduled"), new("rollback_until", "2026-01-03T03:04:05.000Z"),
        ]);

        Assert.Equal(
            """{"actor":"ops@example.com","at":"2026-01-02T03:04:05.000Z","class":"streams-hmac","event":"prepared","from":"sid_1111111111111111","id":"rot_01","location":"file:/s/streamsHmacKey.next","prev":"","reason":"scheduled","rollback_until":"2026-01-03T03:04:05.000Z","seq":1,"to":"sid_2222222222222222"}""",
            line.Text);
        Assert.Equal("a92dd89099497cabb877755486bfc0fb718fc92e68083ef5296ec2d7f64fd0d0", line.Hash);
    }

    [Fact]
    public void Names_the_first_line_that_was_changed_moved_or_left_out()
    {
        var lines = new List<string>();
        var previous = "";
        for (var i = 1; i <= 4; i++)
        {
            var line = RotationLine.Of(i, previous, [new("event", JsonValue.Create($"e{i}"))]);
            lines.Add(line.Text);
            previous = line.Hash;
        }

        Assert.Null(RotationLine.FirstBreak(lines));
        Assert.Equal(3, RotationLine.FirstBreak([lines[0], lines[1].Replace("e2", "e9", StringComparison.Ordinal), lines[2], lines[3]]));
        Assert.Equal(2, RotationLine.FirstBreak([lines[0], lines[2], lines[3]]));
        Assert.Equal(1, RotationLine.FirstBreak([lines[1], lines[0]]));
    }
}
