using System.Text;
using Caracal.Gateway.Overrides;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Overrides;

public sealed class BodyScanTests
{
    private const string Multipart = "multipart/form-data; boundary=xYz";
    private const string Form = "application/x-www-form-urlencoded";
    private const string Json = "application/json";

    [Theory]
    [InlineData(Form, "_method=DELETE")]
    [InlineData(Form, "a=1&_method=DELETE&b=2")]
    [InlineData(Form, "a=1;_method=DELETE")]
    [InlineData(Form, "%5Fmethod=DELETE")]
    [InlineData(Form, "%5f%6d%65thod=put")]
    [InlineData(Form, "_METHOD=PATCH")]
    [InlineData(Form, "+_method=DELETE")]
    [InlineData(Form, "%20%09_method=DELETE")]
    [InlineData(Form, ".method=DELETE")]
    [InlineData(Form, "[method=DELETE")]
    [InlineData(Form, "_method%00x=DELETE")]
    [InlineData(Form, "_method[]=DELETE")]
    [InlineData(Form, "_method")]
    [InlineData(Form, "_method=")]
    [InlineData(Form, "_method=POST&_method=DELETE")]
    [InlineData(Form, "_method=POSTX")]
    [InlineData(Form, "_method=PO")]
    [InlineData(Form, "_method=%44ELETE")]
    [InlineData(Form, "_HttpMethod=PATCH")]
    [InlineData(Form, "X-HTTP-Method-Override=PUT")]
    [InlineData(Form, "x_http_method_override=PUT")]
    [InlineData(Form, "x-tunneled-method=PUT")]
    [InlineData(Form, "x[http_method=DELETE")]
    [InlineData(Form, "x_http_method[override=DELETE")]
    [InlineData(Form, "[_method]=DELETE")]
    [InlineData(Form, "%5B_method%5D=DELETE")]
    [InlineData(Form, "a=1&]_method=DELETE")]
    [InlineData(Form, "_method]=DELETE")]
    [InlineData(Form, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[_method=DELETE")]
    [InlineData(Form, "%u005fmethod=DELETE")]
    [InlineData(Form, "a=1&x%u002dhttp-method-override=DELETE")]
    [InlineData("application/x-www-form-urlencoded\t;a=b", "_method=DELETE")]
    [InlineData("", "_method=DELETE")]
    [InlineData("application/x-www-form-urlencoded;charset=UTF-8", "_method=DELETE")]
    [InlineData("APPLICATION/X-WWW-FORM-URLENCODED , text/plain", "_method=DELETE")]
    [InlineData(Json, """{"_method":"DELETE"}""")]
    [InlineData(Json, """ { "a" : {"_method":1}, "b":[1,"]"], "_method" : "DELETE" } """)]
    [InlineData(Json, """{"\u005fmethod":"DELETE"}""")]
    [InlineData(Json, """{"_method":"\u0044ELETE"}""")]
    [InlineData(Json, """{"_method":null}""")]
    [InlineData(Json, """{"_method":["DELETE"]}""")]
    [InlineData(Json, """{"_method":{"a":1}}""")]
    [InlineData(Json, """{"_method":"POST","_method":"DELETE"}""")]
    [InlineData(Json, """{"a":"x\\","_method":"DELETE"}""")]
    [InlineData(Json, "\uFEFF{\"_method\":\"DELETE\"}")]
    [InlineData("application/vnd.api+json", """{"_method":"DELETE"}""")]
    [InlineData("text/json; charset=utf-8", """{"_method":"DELETE"}""")]
    [InlineData("application/jsonrequest", """{"_method":"DELETE"}""")]
    [InlineData("text/plain; a=/json", """{"_method":"DELETE"}""")]
    [InlineData(Json, """{/*"*/"_method":"DELETE"}""")]
    [InlineData(Json, """/* a */{"_method":"DELETE"}""")]
    [InlineData(Json, """{"a":1,'_method':'DELETE'}""")]
    [InlineData(Json, """{_method:"DELETE"}""")]
    [InlineData(Json, """{"a":{'b':'"'},"_method":"DELETE"}""")]
    [InlineData(Json, "{\0\"\0_\0m\0e\0t\0h\0o\0d\0\"\0:\0\"\0D\0\"\0}\0")]
    [InlineData(Json, "\0{\0\"\0_\0m\0e\0t\0h\0o\0d\0\"\0:\0\"\0D\0\"\0}")]
    [InlineData("multipart/form-data; boundary=xYz; a=\"/json\"", """{"_method":"DELETE"}""")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_met\r\nhod\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_met\0\r\nhod\":\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_m\\ethod\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name*0=\"_met\"; name*1=\"hod\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"=?utf-8?B?X21ldGhvZA==?=\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "filled up to the end of a buffer--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz--\r\nfilled up--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xYz--\r\n")]
    [InlineData(Multipart, "--xYz\nContent-Disposition: form-data; name=_method\n\nDELETE\n--xYz--\n")]
    [InlineData(Multipart, "preamble\r\n--xYz\r\ncontent-disposition:form-data;name='_method'\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data;\r\n name=\"_method\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name*=utf-8''%5Fmethod\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xYz \r\nContent-Disposition: form-data; name=\"\\_method\"\r\n\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPOST\r\nDELETE\r\n--xYz--")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\n\r\n--xYz--")]
    [InlineData("multipart/mixed; boundary=\"xYz\"", "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xYz--")]
    public void A_body_that_names_another_method_does_not_pass_however_it_is_cut(string type, string body) => Judge(type, body, passes: false);

    [Theory]
    [InlineData(Form, "")]
    [InlineData(Form, "a=1&b=_method%3DDELETE&payment_method=card&my_method=DELETE&method=DELETE")]
    [InlineData(Form, "_method=POST")]
    [InlineData(Form, "_method=post&a=1")]
    [InlineData(Form, "_meth%6fd=P%4fST")]
    [InlineData(Form, "a=%&b=%4&c=%zz&%=1")]
    [InlineData(Form, "__________________________________________________________method=DELETE")]
    [InlineData(Json, """{"a":{"_method":"DELETE"},"b":["_method","DELETE"],"c":"_method"}""")]
    [InlineData(Json, """{"_method":"POST"}""")]
    [InlineData(Json, """[{"_method":"DELETE"}]""")]
    [InlineData(Json, "\"_method\"")]
    [InlineData(Json, """{"text":"say \"_method\": \"DELETE\" to it","payment_method":"card"}""")]
    [InlineData(Json, "")]
    [InlineData(Json, "no json at all")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.html\"\r\nContent-Type: text/html\r\n\r\n<input name=\"_method\" value=\"DELETE\">\r\nname=\"_method\"\r\n\r\n--xYz--\r\n")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"payment_method\"\r\n\r\ncard\r\n--xYz--\r\n")]
    [InlineData(Multipart, "--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPost\r\n--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xYz--\r\n")]
    [InlineData(Json, """{"a":"it's /* no */ #comment","b":[{"c":-1.5e+3,"d":"'"}],"e":true}""")]
    [InlineData(Form, "%u005gmethod=DELETE&%u=1&%u00=1&%u0%5=1")]
    [InlineData(Form, "%u205Fmethod=DELETE&_method=POS%u0054")]
    [InlineData("", "\u0001%u%_\u0002%uu\u0003")]
    [InlineData(Form, "a=%u005fmethod&100%=x&a[_method]=DELETE&[method]=card")]
    [InlineData(Multipart, "\r\n--xYz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"C:\\in\\a name.txt\"; filename*=utf-8''a%20name.txt\r\nContent-Type: text/plain;\tcharset=utf-8\r\n\r\nfolded:\r\n lines\r\n--xYz--\r\n\r\n")]
    [InlineData("multipart/form-data; boundary=----WebKitFormBoundaryxYz", "------WebKitFormBoundaryxYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n------WebKitFormBoundaryxYz--\r\n")]
    [InlineData("text/plain", "_method=DELETE")]
    [InlineData("application/octet-stream", "_method=DELETE")]
    public void Any_other_body_passes_however_it_is_cut(string type, string body) => Judge(type, body, passes: true);

    [Theory]
    [InlineData("application/x-www-form-urlencoded; charset=ibm037", null)]
    [InlineData("application/x-www-form-urlencoded; charset=utf-8; charset=utf-7", null)]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData("application/x-www-form-urlencoded", "gzip")]
    [InlineData("multipart/form-data", null)]
    [InlineData("multipart/form-data; boundary=", null)]
    [InlineData("multipart/form-data; boundary=a; boundary=b", null)]
    [InlineData("multipart/form-data; boundary=a; boundary*=utf-8''b", null)]
    [InlineData("multipart/form-data; xboundary=a; boundary=b", null)]
    [InlineData("multipart/form-data; x=\"boundary=a,\"; boundary=b", null)]
    [InlineData("multipart/form-data; Boundary=b; x=\"boundary=a\"", null)]
    [InlineData("application/x-www-form-urlencoded; xcharset=utf-16; charset=utf-8", null)]
    [InlineData("application/x-www-form-urlencoded; a=/json", null)]
    public void A_form_that_an_upstream_could_read_otherwise_is_refused(string type, string? coding)
    {
        var headers = new HeaderDictionary { ["Content-Type"] = type, ["Content-Encoding"] = coding };
        Assert.False(BodyOverrides.TryScan(headers, "POST", out _));
    }

    [Theory]
    [InlineData("--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nD")]
    [InlineData("--xYz\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPU")]
    public void A_value_does_not_leave_before_its_line_has_ended(string body)
    {
        Assert.True(BodyOverrides.TryScan(new HeaderDictionary { ["Content-Type"] = Multipart }, "POST", out var scan));
        Assert.False(scan!.Passes(Encoding.UTF8.GetBytes(body)));
    }

    [Fact]
    public void Two_content_types_are_refused()
    {
        Assert.False(BodyOverrides.TryScan(new HeaderDictionary { ["Content-Type"] = new(["text/plain", Form]) }, "POST", out _));
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("GET")]
    public void Only_a_POST_is_read(string method)
    {
        Assert.True(BodyOverrides.TryScan(new HeaderDictionary { ["Content-Type"] = "multipart/form-data" }, method, out var scan));
        Assert.Null(scan);
    }

    // Whole, byte by byte, and in two at every place.
    private static void Judge(string type, string body, bool passes)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        Assert.Equal(passes, Passes(type, [bytes]));
        Assert.Equal(passes, Passes(type, [.. bytes.Select(one => new[] { one })]));
        for (var i = 1; i < bytes.Length; i++)
        {
            Assert.Equal(passes, Passes(type, [bytes[..i], bytes[i..]]));
        }
    }

    private static bool Passes(string type, byte[][] pieces)
    {
        Assert.True(BodyOverrides.TryScan(new HeaderDictionary { ["Content-Type"] = type }, "POST", out var scan));
        return scan is null || (pieces.All(piece => scan.Passes(piece)) && scan.EndsWell());
    }
}
